// Proofs as VRF.sol of @chainlink/contracts checks them, and fulfilments made of them.
import { ethers } from 'ethers';

const FIELD = 2n ** 256n - 2n ** 32n - 977n;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const HASH_TO_CURVE_PREFIX = 1n;
const SCALAR_PREFIX = 2n;

const field = (n) => ((n % FIELD) + FIELD) % FIELD;
const word = (n) => ethers.toBeHex(n, 32);
const keccak = (...parts) => ethers.keccak256(ethers.concat(parts));
const number = (hex) => BigInt(hex);
/** A point as the 64 bytes of its ordinates. */
const bytes = ([x, y]) => ethers.concat([word(x), word(y)]);

function power(base, exponent) {
  let result = 1n;
  for (let b = field(base), e = exponent; e > 0n; e >>= 1n, b = (b * b) % FIELD) if (e & 1n) result = (result * b) % FIELD;
  return result;
}

/** A scalar times a point: what a Diffie-Hellman exchange computes. */
function times(scalar, point) {
  const shared = new ethers.SigningKey(word(scalar)).computeSharedSecret(ethers.concat(['0x04', bytes(point)]));
  return [number(ethers.dataSlice(shared, 1, 33)), number(ethers.dataSlice(shared, 33))];
}

function generatorTimes(scalar) {
  const { publicKey } = new ethers.SigningKey(word(scalar));
  return [number(ethers.dataSlice(publicKey, 1, 33)), number(ethers.dataSlice(publicKey, 33))];
}

const addressOfPoint = (point) => ethers.getAddress(ethers.dataSlice(ethers.keccak256(bytes(point)), 12));

/** Hashes until there is a point of the curve; its second ordinate is even. */
function hashToCurve(publicKey, seed) {
  for (let input = ethers.concat([word(HASH_TO_CURVE_PREFIX), bytes(publicKey), word(seed)]); ; ) {
    let x = number(ethers.keccak256(input));
    while (x >= FIELD) x = number(keccak(word(x)));
    const square = field(x ** 3n + 7n);
    const root = power(square, (FIELD + 1n) / 4n);
    if (field(root * root) === square) return [x, root % 2n === 0n ? root : FIELD - root];
    input = word(x);
  }
}

/** The key pair of a gas lane; the same name gives the same key in every run. */
export function laneKey(name) {
  const secret = number(ethers.id(`ira chain bed: vrf lane ${name}`)) % ORDER;
  const publicKey = generatorTimes(secret);
  return { name, secret, publicKey, keyHash: ethers.keccak256(bytes(publicKey)) };
}

/** The proof of a key for a request: `preSeed` is of its event, `blockHash` that of its block. */
export function prove({ secret, publicKey }, preSeed, blockHash) {
  const seed = number(keccak(word(preSeed), blockHash));
  const hash = hashToCurve(publicKey, seed);
  const gamma = times(secret, hash);
  // Any number that nobody can guess will do; this one is the same in every run.
  const nonce = number(keccak(word(secret), word(seed), ethers.toUtf8Bytes('nonce'))) % ORDER;
  const uWitness = addressOfPoint(generatorTimes(nonce));
  const v = times(nonce, hash);
  const c = number(keccak(word(SCALAR_PREFIX), bytes(hash), bytes(publicKey), bytes(gamma), bytes(v), uWitness));
  const s = (((nonce - (c % ORDER) * secret) % ORDER) + ORDER) % ORDER;
  const cGammaWitness = times(c % ORDER, gamma);
  const sHashWitness = times(s, hash);
  // The contract adds both witnesses in projective coordinates and ends with the fifth power of the difference of
  // their first ordinates in the denominator; it wants the inverse of that.
  const difference = field(sHashWitness[0] - cGammaWitness[0]);
  const zInv = power(difference, (FIELD - 2n) * 5n);
  return { pk: publicKey, gamma, c, s, seed: preSeed, uWitness, cGammaWitness, sHashWitness, zInv };
}

/** Calldata of fulfillRandomWords. `request` has the fields of its event and `blockNumber`. */
export function fulfilment(contracts, version, request, proof) {
  const { blockNumber, subId, callbackGasLimit, numWords, sender, extraArgs } = request;
  if (version === '2') {
    return contracts.VRFCoordinatorV2.encodeFunctionData('fulfillRandomWords', [
      proof, [blockNumber, subId, callbackGasLimit, numWords, sender],
    ]);
  }
  return contracts.VRFCoordinatorV2_5.encodeFunctionData('fulfillRandomWords', [
    proof, [blockNumber, subId, callbackGasLimit, numWords, sender, extraArgs], false,
  ]);
}

/** Gas for a fulfilment: with less than this the callback cannot be given what it was promised. */
export const fulfilmentGas = ({ callbackGasLimit, numWords }) =>
  400_000n + (BigInt(callbackGasLimit) * 65n) / 64n + 1_000n * BigInt(numWords);

/**
 * What the BLOCKHASH opcode of anvil says of a block that came with --load-state: the hash of its number in decimal.
 * `eth_getBlockByNumber` is right about the same block.
 */
export const loadedBlockhash = (blockNumber) => ethers.id(String(blockNumber));
