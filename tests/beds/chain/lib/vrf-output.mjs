// From a timeline of VRF requests to files: balances, dump, check of the dump, description.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ethers } from 'ethers';
import { dumpState, startAnvil } from './anvil.mjs';
import { CHAIN_ID, addressOf } from './chain.mjs';
import { MULTICALL3 } from './feeds.mjs';
import { calldata, findRequest, fulfil, reverted } from './fulfil.mjs';
import { LANES } from './lanes.mjs';
import { NEXT_BASE_FEE, sign } from './timeline.mjs';
import { fulfilmentGas, loadedBlockhash } from './vrf.mjs';

const ARGS = ['--chain-id', String(CHAIN_ID), '--no-mining'];
const POCKET = ethers.parseEther('100');

export async function finishVrf({ cache, name, vrf, all, nodes, funder }) {
  const { rpc, timeline } = vrf;
  await setBalances(rpc, timeline, all, nodes, funder);
  const head = await timeline.describeHead();
  const stateFile = join(cache, `${name}.state`);
  writeFileSync(stateFile, await dumpState(rpc));
  const situations = {};
  for (const sub of all) situations[sub.name] = await describe(vrf, sub, nodes);
  const bed = {
    chain_id: CHAIN_ID,
    head,
    anvil_args: [...ARGS, '--timestamp', String(timeline.now)],
    multicall3: MULTICALL3,
    link: vrf.link,
    link_native_feed: vrf.feed,
    blockhash_store: vrf.blockhashStore,
    batch_blockhash_store: vrf.batchBlockhashStore,
    gas_price_wei: String(BigInt(await rpc('eth_gasPrice'))),
    coordinators: Object.fromEntries(Object.values(vrf.coordinators).map((c) => [c.name, describeCoordinator(vrf, c)])),
    lanes: Object.fromEntries(Object.entries(vrf.keys).map(([lane, key]) => [lane, describeLane(lane, key)])),
    accounts: {
      owner: account(timeline.ownerKey),
      funder: account(funder),
      nodes: Object.fromEntries(Object.entries(nodes).map(([node, key]) => [node, account(key)])),
    },
    situations,
    after_load: await afterLoad(vrf, all, nodes),
    multicall3_absent: [{ method: 'anvil_setCode', params: [MULTICALL3, '0x'] }],
  };
  await checkLoaded(stateFile, bed, vrf, all);
  writeFileSync(join(cache, `${name}.json`), `${JSON.stringify(bed, null, 2)}\n`);
}

/** Balances are set last, so that they are exact. */
async function setBalances(rpc, timeline, all, nodes, funder) {
  const rich = [timeline.ownerKey, funder, ...Object.values(nodes), ...all.map((sub) => sub.owner)];
  for (const key of rich) {
    await rpc('anvil_setBalance', addressOf(key), ethers.toQuantity(key === nodes?.dry ? 0n : POCKET));
  }
}

const account = (key) => ({ address: addressOf(key), key: key.privateKey });

function describeCoordinator(vrf, { version, address, contract, feed, fallback, lanes }) {
  return {
    address,
    version,
    contract,
    link_native_feed: feed,
    fallback_wei_per_unit_link: String(fallback),
    key_hashes: lanes.map((lane) => vrf.keys[lane].keyHash),
  };
}

function describeLane(lane, { keyHash, publicKey }) {
  const { maxGas } = LANES[lane];
  return { key_hash: keyHash, public_key: publicKey.map(String), max_gas_price_wei: maxGas === null ? null : String(maxGas) };
}

const STATUS = {
  'already-fulfilled': 'fulfilled',
  'callback-failed': 'callback-failed',
  'coordinator-migrated': 'fulfilled',
  'not-on-chain': 'not-requested',
  reorged: 'orphaned',
};

async function describe(vrf, sub, nodes) {
  const { coordinator, requests } = sub;
  const described = requests.map((request) => describeRequest(vrf, sub, request));
  return {
    note: sub.note,
    cause: sub.cause,
    also: sub.also,
    blocking: sub.cause === null ? undefined : sub.blocking,
    status: STATUS[sub.cause] ?? 'pending',
    coordinator: coordinator.address,
    coordinator_name: coordinator.name,
    version: coordinator.version,
    subscription: String(sub.id),
    owner: addressOf(sub.owner),
    owner_key: sub.owner.privateKey,
    ...(await balances(vrf, sub)),
    node: sub.node && addressOf(nodes[sub.node]),
    ...described[sub.main ?? 0],
    ...sub.extra?.(sub),
    requests: described.length > 1 ? described : undefined,
  };
}

/** Null for a subscription that is gone. */
async function balances(vrf, { coordinator, id }) {
  const { abi } = vrf.contracts[coordinator.contract];
  const data = abi.encodeFunctionData('getSubscription', [id]);
  try {
    const found = abi.decodeFunctionResult('getSubscription', await vrf.rpc('eth_call', { to: coordinator.address, data }, 'latest'));
    return { balance_juels: String(found.balance), balance_wei: coordinator.version === '2' ? undefined : String(found.nativeBalance) };
  } catch (e) {
    if (reverted(abi, e.data).name !== 'InvalidSubscription') throw e;
    return { balance_juels: null, balance_wei: null };
  }
}

function describeRequest(vrf, sub, request) {
  return {
    request_id: request.id === undefined ? null : String(request.id),
    tx: request.tx.hash,
    block: request.tx.block,
    key_hash: vrf.keys[request.lane].keyHash,
    lane: request.lane,
    consumer: request.consumer,
    consumer_kind: request.consumerKind,
    callback_gas_limit: request.gas,
    num_words: request.words,
    confirmations: request.confirmations,
    native_payment: request.nativePayment,
    reverts: request.reverts,
    fulfil_tx: request.fulfilment?.hash,
    blockhash_stored: request.stored,
    callback_success: callbackSuccess(vrf, sub, request),
    request_again: sub.askOne ? undefined : { from: addressOf(sub.owner), from_key: sub.owner.privateKey, ...vrf.requestCall(sub, request) },
  };
}

function callbackSuccess(vrf, sub, { fulfilment }) {
  if (!fulfilment || fulfilment.reverts) return undefined;
  const { success } = vrf.event(vrf.contracts[sub.coordinator.contract].abi, fulfilment, 'RandomWordsFulfilled');
  if (success === (sub.cause === 'callback-failed')) throw new Error(`${sub.name}: the callback's success is ${success}`);
  return success;
}

/** What a dump does not keep: fulfilments that wait in the pool. They fit the block hashes that anvil tells after loading. */
async function afterLoad(vrf, all, nodes) {
  const calls = [];
  for (const { pending, requests, node } of all.filter((sub) => sub.pending)) {
    const request = await findRequest(vrf.rpc, vrf.contracts, requests[0].id);
    const data = await calldata(vrf.rpc, vrf.contracts, request, loadedBlockhash(request.blockNumber));
    const maxFeePerGas = NEXT_BASE_FEE / pending.divisor;
    const raw = sign(nodes[node], {
      nonce: pending.nonce, to: request.coordinator, data, gasLimit: fulfilmentGas(request), maxFeePerGas, maxPriorityFeePerGas: maxFeePerGas / 10n,
    });
    calls.push({ method: 'eth_sendRawTransaction', params: [raw] });
  }
  if (calls.length === 0) return [];
  const baseFee = (wei) => ({ method: 'anvil_setNextBlockBaseFeePerGas', params: [ethers.toQuantity(wei)] });
  // Anvil takes a transaction that offers too little only while the base fee is low.
  return [baseFee(1n), ...calls, baseFee(NEXT_BASE_FEE)];
}

/** Loads the dump as a test will; asks the coordinators about every request and fails where they do not say what is expected. */
async function checkLoaded(stateFile, bed, vrf, all) {
  const anvil = await startAnvil([...bed.anvil_args, '--load-state', stateFile]);
  const { rpc } = anvil;
  const expect = (what, is, wanted) => {
    if (String(is) !== String(wanted)) throw new Error(`loaded state: ${what} is ${is}, wanted ${wanted}`);
  };
  const ask = async (id, coordinator) => {
    const { ok, selector, name, args, payment } = await fulfil(rpc, vrf.contracts, BigInt(id), { coordinator, simulate: true });
    return { ok, selector, name, args, payment };
  };
  try {
    for (const { method, params } of bed.after_load) await rpc(method, ...params);
    const block = await rpc('eth_getBlockByNumber', 'latest', false);
    expect('the head', `${Number(block.number)} ${block.hash} ${Number(block.timestamp)}`, `${bed.head.number} ${bed.head.hash} ${bed.head.timestamp}`);
    expect('the gas price', BigInt(await rpc('eth_gasPrice')), bed.gas_price_wei);
    const pool = await rpc('txpool_content');
    for (const { pending, node } of all.filter((sub) => sub.pending)) {
      const where = pending.nonce === 0 ? pool.pending : pool.queued;
      expect(`the nonces of the node ${node} in the pool`, Object.keys(where[bed.accounts.nodes[node].address.toLowerCase()] ?? {}), pending.nonce);
    }
    for (const sub of all) {
      const about = bed.situations[sub.name];
      const asked = about.requests && !sub.askOne ? about.requests : [about];
      for (const request of asked) {
        if (request.request_id === null) continue;
        request.verdict = await ask(request.request_id, about.coordinator);
      }
      if (asked.length > 1) about.verdict = about.requests[sub.main ?? 0].verdict;
      if (about.verdict) expect(`the coordinator's word on ${sub.name}`, about.verdict.ok ? null : (about.verdict.name ?? 'empty'), sub.expect);
      if (about.reverts) expect(`why ${sub.name} is not on chain`, await whyReverted(rpc, vrf, sub, about), about.reverts);
    }
  } finally {
    await anvil.stop();
  }
}

/** The error of the coordinator for a request that did not get on the chain. */
async function whyReverted(rpc, vrf, { coordinator }, { request_again: { from, to, data } }) {
  try {
    await rpc('eth_call', { from, to, data }, 'latest');
    return null;
  } catch (e) {
    return reverted(vrf.contracts[coordinator.contract].abi, e.data).name;
  }
}
