// From a timeline of VRF requests to files: balances, dump, check of the dump, description.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ethers } from 'ethers';
import { dumpState, startAnvil } from './anvil.mjs';
import { CHAIN_ID, addressOf } from './chain.mjs';
import { MULTICALL3 } from './feeds.mjs';
import { fulfil } from './fulfil.mjs';
import { LANES } from './lanes.mjs';

const ARGS = ['--chain-id', String(CHAIN_ID), '--no-mining'];
const POCKET = ethers.parseEther('100');

export async function finishVrf({ cache, name, vrf, all, nodes, funder }) {
  const { rpc, timeline } = vrf;
  await setBalances(rpc, timeline, all, nodes, funder);
  const head = await timeline.describeHead();
  const stateFile = join(cache, `${name}.state`);
  writeFileSync(stateFile, await dumpState(rpc));
  const bed = {
    chain_id: CHAIN_ID,
    head,
    anvil_args: [...ARGS, '--timestamp', String(timeline.now)],
    multicall3: MULTICALL3,
    link: vrf.link,
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
    situations: Object.fromEntries(all.map((sub) => [sub.name, describe(vrf, sub)])),
    after_load: [],
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

function describe(vrf, sub) {
  const { coordinator, requests } = sub;
  const described = requests.map((request) => describeRequest(vrf, sub, request));
  return {
    note: sub.note,
    cause: sub.cause,
    coordinator: coordinator.address,
    coordinator_name: coordinator.name,
    version: coordinator.version,
    subscription: String(sub.id),
    owner: addressOf(sub.owner),
    owner_key: sub.owner.privateKey,
    ...described[sub.main ?? 0],
    ...sub.extra,
    requests: described.length > 1 ? described : undefined,
  };
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
    fulfil_tx: request.fulfilment?.hash,
    reverts: request.reverts,
    request_again: { from: addressOf(sub.owner), from_key: sub.owner.privateKey, ...vrf.requestCall(sub, request) },
  };
}

/** Loads the dump as a test will; asks the coordinators about every request and fails where they do not say what is expected. */
async function checkLoaded(stateFile, bed, vrf, all) {
  const anvil = await startAnvil([...bed.anvil_args, '--load-state', stateFile]);
  const { rpc } = anvil;
  const expect = (what, is, wanted) => {
    if (String(is) !== String(wanted)) throw new Error(`loaded state: ${what} is ${is}, wanted ${wanted}`);
  };
  try {
    for (const { method, params } of bed.after_load) await rpc(method, ...params);
    const block = await rpc('eth_getBlockByNumber', 'latest', false);
    expect('the head', `${Number(block.number)} ${block.hash} ${Number(block.timestamp)}`, `${bed.head.number} ${bed.head.hash} ${bed.head.timestamp}`);
    expect('the gas price', BigInt(await rpc('eth_gasPrice')), bed.gas_price_wei);
    for (const sub of all) {
      const about = bed.situations[sub.name];
      for (const request of about.requests ?? [about]) {
        if (request.request_id === null) continue;
        const { ok, selector, name, args, payment } = await fulfil(rpc, vrf.contracts, BigInt(request.request_id), { simulate: true });
        request.verdict = { ok, selector, name, args, payment };
      }
      if (about.requests) about.verdict = about.requests[sub.main ?? 0].verdict;
      if (about.verdict) expect(`the coordinator's word on ${sub.name}`, about.verdict.ok ? null : about.verdict.name, sub.expect);
    }
  } finally {
    await anvil.stop();
  }
}
