// Fulfils a request as its oracle would, or asks the coordinator whether it would let it.
import { ethers } from 'ethers';
import { BLOCK_TIME, addressOf, keyOf } from './chain.mjs';
import { LANES } from './lanes.mjs';
import { fulfilment, fulfilmentGas, laneKey, loadedBlockhash, prove } from './vrf.mjs';

export const NODE_KEY = keyOf('vrf node');
const hex = (n) => ethers.toQuantity(n);
const CONTRACT = { 2: 'VRFCoordinatorV2', 2.5: 'VRFCoordinatorV2_5' };

/**
 * The event of a request, with its key of ours; null if there is none. Ids are not unique: after a migration the new
 * coordinator counts from the start and gives the same ones again. Without a coordinator the newest is meant.
 */
export async function findRequest(rpc, contracts, requestId, coordinator) {
  const versions = Object.entries(CONTRACT).map(([version, name]) => {
    const { abi } = contracts[name];
    return { version, abi, topic: abi.getEvent('RandomWordsRequested').topicHash };
  });
  const logs = await rpc('eth_getLogs', { address: coordinator, fromBlock: '0x0', toBlock: 'latest', topics: [versions.map((v) => v.topic)] });
  const words = ethers.toBeHex(requestId, 32);
  // The id is the first word of the data.
  const log = logs.findLast(({ data }) => ethers.dataSlice(data, 0, 32) === words);
  if (!log) return null;
  const { version, abi } = versions.find((v) => v.topic === log.topics[0]);
  const event = abi.parseLog(log).args.toObject();
  const lane = Object.keys(LANES).map(laneKey).find((key) => key.keyHash === event.keyHash);
  if (!lane) throw new Error(`no key of the bed has the hash ${event.keyHash}`);
  return { ...event, version, lane, coordinator: log.address, blockNumber: Number(log.blockNumber), blockHash: log.blockHash };
}

/** The hash that makes a proof: that of the block, unless anvil tells contracts another one (see loadedBlockhash). */
async function seedHash(rpc, { blockNumber, blockHash }) {
  // PUSH4 number, BLOCKHASH, and return it: run as the constructor of a contract.
  const code = `0x63${blockNumber.toString(16).padStart(8, '0')}4060005260206000f3`;
  const told = await rpc('eth_call', { data: code }, 'latest');
  return told === loadedBlockhash(blockNumber) ? told : blockHash;
}

/** Calldata that fulfils the request; `hash` is the hash of its block as the coordinator will see it. */
export async function calldata(rpc, contracts, request, hash) {
  const proof = prove(request.lane, request.preSeed, hash ?? (await seedHash(rpc, request)));
  const abis = Object.fromEntries(Object.values(CONTRACT).map((name) => [name, contracts[name].abi]));
  return fulfilment(abis, request.version, request, proof);
}

/** The highest gas price of the lane, as a node simulates with it; today's price where that is even higher. */
async function simulatedPrice(rpc, contracts, { version, lane, coordinator }) {
  const today = BigInt(await rpc('eth_gasPrice'));
  let max = LANES.v2.maxGas;
  if (version !== '2') {
    const { abi } = contracts.VRFCoordinatorV2_5;
    const data = abi.encodeFunctionData('s_provingKeys', [lane.keyHash]);
    max = abi.decodeFunctionResult('s_provingKeys', await rpc('eth_call', { to: coordinator, data }, 'latest')).maxGas;
  }
  return today > max ? today : max;
}

/**
 * `{ ok, … }` of one request. Only with `simulate` nothing is sent. `gasPrice` and `gas` are worked out where they are
 * not given; without automatic mining a block is mined for the transaction.
 */
export async function fulfil(rpc, contracts, requestId, { coordinator, simulate = false, gasPrice, gas } = {}) {
  const request = await findRequest(rpc, contracts, requestId, coordinator);
  if (!request) return { ok: false, name: 'NotRequested', message: 'no coordinator of this chain has logged this request' };
  const data = await calldata(rpc, contracts, request);
  const gasLimit = gas ?? fulfilmentGas(request);
  const { abi } = contracts[CONTRACT[request.version]];
  const call = { from: addressOf(NODE_KEY), to: request.coordinator, data, gas: hex(gasLimit) };
  const about = { version: request.version, coordinator: request.coordinator };
  if (simulate) {
    const price = gasPrice ?? (await simulatedPrice(rpc, contracts, request));
    return { ...(await ask(rpc, abi, call, price)), gas_price_wei: String(price), ...about };
  }
  const price = gasPrice ?? BigInt(await rpc('eth_gasPrice'));
  // What would revert is not sent, like a node does.
  const verdict = gas === undefined ? await ask(rpc, abi, call, price) : { ok: true };
  if (!verdict.ok) return { ...verdict, gas_price_wei: String(price), ...about };
  const receipt = await send(rpc, call, gasLimit, price);
  if (receipt.status !== '0x1') {
    return { ok: false, tx: receipt.transactionHash, selector: '0x', name: null, gas_price_wei: String(price), ...about };
  }
  const done = receipt.logs.map((log) => abi.parseLog(log)).find((log) => log?.name === 'RandomWordsFulfilled');
  const { payment, success } = done.args;
  return { ok: true, tx: receipt.transactionHash, success, payment: String(payment), gas_price_wei: String(price), ...about };
}

async function ask(rpc, abi, call, price) {
  try {
    const answer = await rpc('eth_call', { ...call, gasPrice: hex(price) }, 'latest');
    return { ok: true, payment: String(BigInt(answer)) };
  } catch (e) {
    if (typeof e.data !== 'string') throw e;
    return { ok: false, ...reverted(abi, e.data) };
  }
}

/** The error of a contract by its name: ours, `Error` or `Panic`; null for a revert without data. */
export function reverted(abi, data) {
  const error = data === '0x' ? null : abi.parseError(data);
  const args = error ? [...error.args].map(String) : [];
  return { selector: data.slice(0, 10), name: error?.name ?? null, args };
}

async function send(rpc, { from, to, data }, gasLimit, gasPrice) {
  const nonce = Number(await rpc('eth_getTransactionCount', from, 'latest'));
  const chainId = BigInt(await rpc('eth_chainId'));
  const tx = ethers.Transaction.from({ type: 0, chainId, nonce, to, data, gasLimit, gasPrice });
  tx.signature = NODE_KEY.sign(tx.unsignedHash);
  const hash = await rpc('eth_sendRawTransaction', tx.serialized);
  let receipt = await rpc('eth_getTransactionReceipt', hash);
  if (!receipt) {
    const { timestamp } = await rpc('eth_getBlockByNumber', 'latest', false);
    await rpc('evm_mine', { timestamp: Number(timestamp) + BLOCK_TIME });
    receipt = await rpc('eth_getTransactionReceipt', hash);
  }
  if (!receipt) throw new Error(`transaction ${hash} was not mined`);
  return receipt;
}
