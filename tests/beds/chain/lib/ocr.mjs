// Off-chain reporting with keys of our own: oracle sets, configurations, reports and their signatures.
import { ethers } from 'ethers';
import { CHAIN_ID, addressOf, keyOf } from './chain.mjs';

const coder = ethers.AbiCoder.defaultAbiCoder();
const OFFCHAIN_VERSION = { ocr1: 1, ocr2: 2 };
/** The real one is a protobuf for the nodes only; nothing on chain reads it. */
const OFFCHAIN_CONFIG = ethers.hexlify(ethers.toUtf8Bytes('ira chain bed'));

/** One oracle of a feed; `id` is its index in the first configuration. */
export function oracle(feed, id) {
  const signer = keyOf(`${feed}/signer/${id}`);
  const transmitter = keyOf(`${feed}/transmitter/${id}`);
  return { signer, transmitter, signerAddress: addressOf(signer), address: addressOf(transmitter) };
}

export const oracles = (feed, count) => Array.from({ length: count }, (_, id) => oracle(feed, id));
export const payee = (feed, id) => addressOf(keyOf(`${feed}/payee/${id}`));

/** The call of setConfig and the digest that the contract will give to this configuration. */
export function config(feed, set, f, count = 1) {
  const signers = set.map((o) => o.signerAddress);
  const transmitters = set.map((o) => o.address);
  const version = OFFCHAIN_VERSION[feed.kind];
  if (feed.kind === 'ocr1') {
    const args = [signers, transmitters, f, version, OFFCHAIN_CONFIG];
    const hash = ethers.keccak256(
      coder.encode(
        ['address', 'uint64', 'address[]', 'address[]', 'uint8', 'uint64', 'bytes'],
        [feed.aggregator, count, ...args],
      ),
    );
    return { args, digest: `0x${hash.slice(34)}`, set, f };
  }
  const onchain = ethers.solidityPacked(['uint8', 'int192', 'int192'], [1, feed.min, feed.max]);
  const args = [signers, transmitters, f, onchain, version, OFFCHAIN_CONFIG];
  const hash = ethers.keccak256(
    coder.encode(
      ['uint256', 'address', 'uint64', 'address[]', 'address[]', 'uint8', 'bytes', 'uint64', 'bytes'],
      [CHAIN_ID, feed.aggregator, count, ...args],
    ),
  );
  return { args, digest: `0x0001${hash.slice(6)}`, set, f };
}

/** Arguments of transmit. `observations`: [[oracle index, value]…]; the contract wants them sorted by value. */
export function report(kind, { set, f, digest }, { observations, epoch, round, observedAt, juelsPerFeeCoin }) {
  const sorted = [...observations].sort((a, b) => (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : a[0] - b[0]));
  const observers = ethers.hexlify(Uint8Array.from({ length: 32 }, (_, i) => sorted[i]?.[0] ?? 0));
  const values = sorted.map(([, value]) => value);
  const position = ethers.zeroPadValue(ethers.toBeHex((BigInt(epoch) << 8n) | BigInt(round), 5), 32);
  // Any f + 1 oracles of those that observed.
  const signing = observations.slice(0, f + 1).map(([i]) => set[i].signer);
  if (kind === 'ocr1') {
    const context = ethers.concat([new Uint8Array(11), digest, ethers.dataSlice(position, 27)]);
    const body = coder.encode(['bytes32', 'bytes32', 'int192[]'], [context, observers, values]);
    return [body, ...signatures(ethers.keccak256(body), signing)];
  }
  const body = coder.encode(
    ['uint32', 'bytes32', 'int192[]', 'int192'],
    [observedAt, observers, values, juelsPerFeeCoin],
  );
  const context = [digest, position, ethers.ZeroHash];
  const hash = ethers.keccak256(ethers.concat([ethers.keccak256(body), ...context]));
  return [context, body, ...signatures(hash, signing)];
}

function signatures(hash, keys) {
  const signed = keys.map((key) => key.sign(hash));
  const vs = Uint8Array.from({ length: 32 }, (_, i) => signed[i]?.yParity ?? 0);
  return [signed.map((s) => s.r), signed.map((s) => s.s), ethers.hexlify(vs)];
}
