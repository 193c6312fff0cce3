// A chain that is made block by block, for what depends on the blocks before: each transaction is mined when asked.
import { ethers } from 'ethers';
import { BLOCK_TIME, CHAIN_ID, addressOf, keyOf } from './chain.mjs';

const FEES = { maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n };
/** An eighth above 2 gwei: after an empty block the next base fee is 2 gwei, and the gas price 3 gwei with the tip. */
const BASE_FEE = 2_285_714_285n;
export const NEXT_BASE_FEE = 2_000_000_000n;
const BLOCK_GAS = 30_000_000n;
const FUNDS = ethers.parseEther('100000');
const hex = (n) => ethers.toQuantity(n);

export class Timeline {
  #rpc;
  #nonces = new Map();
  #queue = [];
  #owner = keyOf('deployer');

  constructor(rpc, genesis) {
    this.#rpc = rpc;
    this.now = genesis;
    this.block = 0;
  }

  get ownerKey() {
    return this.#owner;
  }

  /** Queues a deployment by the owner of all contracts and gives its address. */
  deploy({ abi, bytecode }, args = []) {
    const address = ethers.getCreateAddress({ from: addressOf(this.#owner), nonce: this.nonceOf(this.#owner) });
    this.send(this.#owner, null, bytecode + abi.encodeDeploy(args).slice(2), { gasLimit: 7_000_000n });
    return address;
  }

  /** Queues a transaction for the next block that is mined; it must revert if `reverts`. */
  send(key, to, data, { value = 0n, gasLimit = 1_000_000n, reverts = false } = {}) {
    const nonce = this.nonceOf(key);
    this.#nonces.set(addressOf(key), nonce + 1);
    const raw = sign(key, { nonce, to, data, value, gasLimit, ...FEES });
    const tx = { raw, hash: ethers.keccak256(raw), gasLimit, reverts, key, label: `${to} ${data.slice(0, 10)}` };
    this.#queue.push(tx);
    return tx;
  }

  nonceOf(key) {
    return this.#nonces.get(addressOf(key)) ?? 0;
  }

  async fund(keys) {
    for (const key of keys) await this.#rpc('anvil_setBalance', addressOf(key), hex(FUNDS));
  }

  /** Mines what is queued, in as many blocks as its gas needs but at least one; each transaction gets its receipt. */
  async mine() {
    do {
      const batch = this.#take();
      for (const tx of batch) await this.#rpc('eth_sendRawTransaction', tx.raw);
      await this.#rpc('anvil_setNextBlockBaseFeePerGas', hex(BASE_FEE));
      this.now += BLOCK_TIME;
      await this.#rpc('evm_mine', { timestamp: this.now });
      this.block += 1;
      for (const tx of batch) await this.#check(tx);
    } while (this.#queue.length);
  }

  #take() {
    const batch = [];
    for (let gas = 0n; this.#queue.length && gas + this.#queue[0].gasLimit <= BLOCK_GAS; ) {
      gas += this.#queue[0].gasLimit;
      batch.push(this.#queue.shift());
    }
    return batch;
  }

  async #check(tx) {
    tx.receipt = await this.#rpc('eth_getTransactionReceipt', tx.hash);
    const wanted = tx.reverts ? '0x0' : '0x1';
    if (tx.receipt?.status !== wanted) {
      throw new Error(`block ${this.block}: transaction to ${tx.label}: status ${tx.receipt?.status}, wanted ${wanted}`);
    }
    tx.block = Number(tx.receipt.blockNumber);
  }

  async describeHead() {
    const block = await this.#rpc('eth_getBlockByNumber', 'latest', false);
    const is = `${Number(block.number)} ${Number(block.timestamp)}`;
    if (is !== `${this.block} ${this.now}`) throw new Error(`the head is ${is}, wanted ${this.block} ${this.now}`);
    return { number: this.block, hash: block.hash, timestamp: this.now };
  }
}

/** A raw signed transaction. */
export function sign(key, fields) {
  const tx = ethers.Transaction.from({ type: 2, chainId: CHAIN_ID, ...fields });
  tx.signature = key.sign(tx.unsignedHash);
  return tx.serialized;
}
