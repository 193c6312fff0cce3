// From a queued plan to files: mine it, set the final balances, dump, check the dump, describe it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ethers } from 'ethers';
import { dumpState, startAnvil } from './anvil.mjs';
import { CHAIN_ID, GENESIS, NEXT_BASE_FEE } from './chain.mjs';
import { directoryEntry } from './directory.mjs';
import { MULTICALL3, WINDOW } from './feeds.mjs';

const COMMON_ARGS = ['--chain-id', String(CHAIN_ID), '--no-mining'];
/** Without its history of states anvil mines twice as fast, and a dump does not hold it anyway. */
export const BUILD_ARGS = [...COMMON_ARGS, '--timestamp', String(GENESIS), '--order', 'fifo', '--prune-history'];
const HEARTBEAT = 3600;
const THRESHOLD = 0.5;
const ONE = ethers.parseEther('1');
const LOG_BLOCKS = 700;
const TRANSMISSION_TOPICS = { ocr1: 'Ocr1Feed', ocr2: 'Ocr2Feed' };

export async function finish({ cache, name, directory, anvil, chain, lib, plan }) {
  const { rpc } = anvil;
  await rpc('anvil_setCode', MULTICALL3, lib.contracts.Multicall3.deployed);
  // LINK that depends on the payments so far is sent two blocks before the head.
  await chain.run(chain.head - 36);
  for (const feed of plan.feeds) if (feed.available) await topUp(rpc, chain, lib, feed);
  await chain.run(chain.head);
  const receipts = await chain.receipts();
  const gasPrice = BigInt(await rpc('eth_gasPrice'));
  for (const feed of plan.feeds) measureGas(feed, receipts);
  await setBalances(rpc, plan, gasPrice);

  const stateFile = join(cache, `${name}.state`);
  const head = await chain.describeHead();
  writeFileSync(stateFile, await dumpState(rpc));

  const bed = {
    chain_id: CHAIN_ID,
    head,
    // With the timestamp of the head, blocks that are mined later follow it and not the clock of this machine.
    anvil_args: [...COMMON_ARGS, '--timestamp', String(chain.head)],
    multicall3: MULTICALL3,
    link: lib.link,
    gas_price_wei: String(gasPrice),
    feeds: Object.fromEntries(plan.feeds.map((feed) => [feed.name, describe(feed)])),
    sequencers: plan.sequencers,
    eoa: plan.eoa,
    not_a_feed: plan.not_a_feed,
    after_load: afterLoad(chain, plan.feeds),
    multicall3_absent: [{ method: 'anvil_setCode', params: [MULTICALL3, '0x'] }],
  };
  await checkLoaded(stateFile, bed, lib);
  writeFileSync(join(cache, `${name}.json`), `${JSON.stringify(bed, null, 2)}\n`);
  const listed = plan.feeds.filter((feed) => feed.proxy).map((feed) => directoryEntry(feed, HEARTBEAT, THRESHOLD));
  writeFileSync(join(cache, directory), `${JSON.stringify(listed, null, 2)}\n`);
}

/** Sends a feed as much LINK as leaves `feed.available(owed, seconds)` for payments. */
async function topUp(rpc, chain, lib, feed) {
  const data = lib.call(feed.contract, 'linkAvailableForPayment');
  const available = BigInt.asIntN(256, BigInt(await rpc('eth_call', { to: feed.aggregator, data }, 'latest')));
  const amount = feed.available(-available, WINDOW) - available;
  chain.own(lib.link, lib.call('LinkToken', 'transfer', feed.aggregator, amount), chain.head - 24);
}

function measureGas(feed, receipts) {
  const used = receipts.filter((tx) => tx.to === feed.aggregator && tx.isRound && !tx.reverts).map((tx) => tx.gasUsed);
  feed.gas = used.reduce((a, b) => a + b, 0n) / BigInt(used.length);
}

/** Balances are set last, so that they are exact. */
async function setBalances(rpc, { feeds, eoa }, gasPrice) {
  const balances = new Map(eoa ? [[eoa, ONE]] : []);
  for (const feed of feeds) {
    for (const other of [...(feed.others ?? []).flatMap((o) => o.oracles), ...(feed.former ?? [])]) balances.set(other.address, ONE);
    feed.oracles.forEach(({ address }, i) => {
      balances.set(address, feed.balances?.[i]?.(feed.gas, gasPrice) ?? feed.balance?.(i) ?? ONE);
    });
  }
  await rpc.batch([...balances].map(([who, wei]) => ['anvil_setBalance', who, ethers.toQuantity(wei)]));
}

function describe(feed) {
  const last = feed.rounds.at(-1);
  return {
    proxy: feed.proxy,
    aggregator: feed.aggregator,
    description: feed.description,
    decimals: feed.decimals,
    kind: feed.kind,
    heartbeat: HEARTBEAT,
    threshold: THRESHOLD,
    transmitters: feed.oracles.map((o) => o.address),
    signers: feed.oracles.flatMap((o) => o.signerAddress ?? []),
    old_aggregator: feed.old_aggregator,
    proposed: feed.proposed,
    access_controller: feed.access_controller,
    rounds: last.id,
    last_updated_at: last.time,
    gas_per_transmission: Number(feed.gas),
    note: feed.note,
  };
}

/** What a dump does not keep: the pending transaction of a transmitter that is stuck because it offers too little. */
function afterLoad(chain, feeds) {
  return feeds.flatMap((feed) => {
    if (feed.pending === undefined) return [];
    const { transmitter, address } = feed.oracles[feed.pending];
    const tx = { key: transmitter, to: feed.aggregator, data: feed.lastTransmit, gasLimit: 500_000n };
    const fees = { maxFeePerGas: NEXT_BASE_FEE / 2n, maxPriorityFeePerGas: NEXT_BASE_FEE / 10n };
    const raw = chain.sign(tx, chain.nonceOf(address), fees);
    // Anvil takes it only while the base fee is low.
    return [
      { method: 'anvil_setNextBlockBaseFeePerGas', params: ['0x1'] },
      { method: 'eth_sendRawTransaction', params: [raw] },
      { method: 'anvil_setNextBlockBaseFeePerGas', params: [ethers.toQuantity(NEXT_BASE_FEE)] },
    ];
  });
}

/** Loads the dump as a test will and fails if anything that tests rely on is not there. */
async function checkLoaded(stateFile, bed, lib) {
  const anvil = await startAnvil([...bed.anvil_args, '--load-state', stateFile]);
  const { rpc } = anvil;
  const expect = (what, is, wanted) => {
    if (String(is) !== String(wanted)) throw new Error(`loaded state: ${what} is ${is}, wanted ${wanted}`);
  };
  try {
    for (const { method, params } of bed.after_load) await rpc(method, ...params);
    const block = await rpc('eth_getBlockByNumber', 'latest', false);
    const number = ethers.toQuantity(bed.head.number);
    expect('the head', `${block.number} ${block.hash} ${Number(block.timestamp)}`, `${number} ${bed.head.hash} ${bed.head.timestamp}`);
    expect('the gas price', BigInt(await rpc('eth_gasPrice')), bed.gas_price_wei);
    for (const { method, params } of bed.after_load) {
      if (method !== 'eth_sendRawTransaction') continue;
      const { from } = ethers.Transaction.from(params[0]);
      const [latest, pending] = await Promise.all(['latest', 'pending'].map((at) => rpc('eth_getTransactionCount', from, at)));
      expect(`the pending nonce of ${from}`, Number(pending), Number(latest) + 1);
    }
    const feeds = Object.entries(bed.feeds);
    const data = lib.call('Ocr2Feed', 'latestRoundData');
    const answers = await rpc.batch(feeds.map(([, feed]) => ['eth_call', { to: feed.aggregator, data }, number]));
    feeds.forEach(([name, feed], i) => {
      const [round, , , updatedAt] = lib.contracts.Ocr2Feed.abi.decodeFunctionResult('latestRoundData', answers[i]);
      expect(`${name}: round and time`, `${round} ${updatedAt}`, `${feed.rounds} ${feed.last_updated_at}`);
    });
    const fromBlock = ethers.toQuantity(Math.max(0, bed.head.number - LOG_BLOCKS));
    const recent = feeds.filter(([, feed]) => TRANSMISSION_TOPICS[feed.kind] && bed.head.timestamp - feed.last_updated_at < 3600);
    for (const [name, feed] of recent) {
      const topic = lib.contracts[TRANSMISSION_TOPICS[feed.kind]].abi.getEvent('NewTransmission').topicHash;
      const logs = await rpc('eth_getLogs', { address: feed.aggregator, topics: [topic], fromBlock, toBlock: number });
      if (logs.length === 0) throw new Error(`loaded state: no NewTransmission of ${name}`);
    }
  } finally {
    await anvil.stop();
  }
}
