// A timeline of signed transactions, mined block by block with fixed timestamps and a fixed base fee.
import { ethers } from 'ethers';

export const CHAIN_ID = 31337;
export const GENESIS = 1_790_000_000;
export const HOUR = 3600;
export const BLOCK_TIME = 12;
/** Blocks of the far past stand this far apart, so that a long history costs few blocks. */
export const SPARSE_BLOCK_TIME = 300;
/** With this base fee and an empty head block the next base fee is 1 gwei, and the gas price 2 gwei with the tip. */
const BASE_FEE = 1_142_857_142n;
export const NEXT_BASE_FEE = 1_000_000_000n;
const FEES = { maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n };
const GAS_LIMIT = 30_000_000n;
const FUNDS = ethers.parseEther('100000');

/** The same name gives the same key in every run. Its address is worked out once: that is slow. */
export function keyOf(name) {
  const key = new ethers.SigningKey(ethers.id(`ira chain bed: ${name}`));
  addresses.set(key, ethers.computeAddress(key.publicKey));
  return key;
}
const addresses = new WeakMap();
export const addressOf = (key) => addresses.get(key);
const hex = (n) => ethers.toQuantity(n);

export class Chain {
  #rpc;
  #start;
  #dense;
  #deployer = keyOf('deployer');
  #nonces = new Map();
  /** All of the deployer: the address of a deployment follows from its place in this list. */
  #setup = [];
  #later = [];
  #sent = [];

  /** `head`: timestamp of the last block; `dense`: from when on blocks stand 12 s apart. */
  constructor(rpc, { start, dense, head }) {
    Object.assign(this, { head });
    this.#rpc = rpc;
    this.#start = start;
    this.#dense = dense;
  }

  get deployer() {
    return addressOf(this.#deployer);
  }

  /** Queues a deployment and gives the address at once: it follows from deployer and nonce. */
  deploy({ abi, bytecode }, args = []) {
    const address = ethers.getCreateAddress({ from: this.deployer, nonce: this.#setup.length });
    const data = bytecode + abi.encodeDeploy(args).slice(2);
    this.#setup.push({ key: this.#deployer, to: null, data, gasLimit: 8_000_000n });
    return address;
  }

  /** Queues a call of the deployer, who owns every contract; without a time it is part of the setup. */
  own(to, data, at) {
    const tx = { key: this.#deployer, to, data, gasLimit: 3_000_000n };
    if (at === undefined) this.#setup.push(tx);
    else this.at(at, tx);
  }

  /** Queues `{ key, to, data }` for the block of that time; the transaction must revert if `reverts`. */
  at(time, tx) {
    const step = time < this.#dense ? SPARSE_BLOCK_TIME : BLOCK_TIME;
    if ((this.head - time) % step !== 0 || time > this.head) throw new Error(`no block at head - ${this.head - time} s`);
    this.#later.push({ time, gasLimit: 500_000n, ...tx });
  }

  /** The raw signed transaction. */
  sign({ key, to, data, gasLimit }, nonce, fees = FEES) {
    const tx = ethers.Transaction.from({
      type: 2, chainId: CHAIN_ID, nonce, to, data, gasLimit, ...fees,
    });
    tx.signature = key.sign(tx.unsignedHash);
    return tx.serialized;
  }

  #send(txs) {
    return this.#rpc.batch(
      txs.map((queued) => {
        const from = addressOf(queued.key);
        const nonce = this.#nonces.get(from) ?? 0;
        this.#nonces.set(from, nonce + 1);
        const signed = this.sign(queued, nonce);
        this.#sent.push({ ...queued, from, hash: ethers.keccak256(signed) });
        return ['eth_sendRawTransaction', signed];
      }),
    );
  }

  nonceOf(address) {
    return this.#nonces.get(address) ?? 0;
  }

  async #mine(time) {
    await this.#rpc('anvil_setNextBlockBaseFeePerGas', hex(BASE_FEE));
    await this.#rpc('evm_mine', { timestamp: time });
  }

  /** Sends and mines everything that was queued, up to `until`; may be called again for later times. */
  async run(until) {
    if (this.#start !== undefined) {
      await this.#fund();
      this.now = await this.#runSetup();
      this.#start = undefined;
    }
    const due = new Map();
    for (const tx of this.#later.filter((tx) => tx.time <= until)) {
      if (!due.has(tx.time)) due.set(tx.time, []);
      due.get(tx.time).push(tx);
    }
    this.#later = this.#later.filter((tx) => tx.time > until);
    for (const time of due.keys()) if (time <= this.now) throw new Error(`a transaction at ${time} is too late, it is ${this.now}`);
    while (this.now < until) {
      const step = this.now < this.#dense ? SPARSE_BLOCK_TIME : BLOCK_TIME;
      this.now += step - ((((this.now - this.head) % step) + step) % step);
      if (due.has(this.now)) await this.#send(due.get(this.now));
      await this.#mine(this.now);
    }
    if (this.now !== until) throw new Error(`no block at ${until}`);
  }

  async #fund() {
    const senders = new Set([this.#deployer, ...this.#later.map((tx) => tx.key)].map(addressOf));
    await this.#rpc.batch([...senders].map((who) => ['anvil_setBalance', who, hex(FUNDS)]));
  }

  /** One block: anvil drops what does not fit into a block when it depends on what did not fit either. */
  async #runSetup() {
    await this.#send(this.#setup);
    await this.#rpc('evm_setBlockGasLimit', hex(this.#setup.reduce((sum, tx) => sum + tx.gasLimit, 0n)));
    const now = this.#start + BLOCK_TIME;
    await this.#mine(now);
    await this.#rpc('evm_setBlockGasLimit', hex(GAS_LIMIT));
    return now;
  }

  /** The gas that each sent transaction used; fails if one did not end as it should. */
  async receipts() {
    const receipts = await this.#rpc.batch(this.#sent.map((tx) => ['eth_getTransactionReceipt', tx.hash]));
    return this.#sent.map((tx, i) => {
      const wanted = tx.reverts ? '0x0' : '0x1';
      if (receipts[i]?.status !== wanted) {
        throw new Error(`transaction ${tx.hash} to ${tx.to} (${tx.label ?? tx.data.slice(0, 10)}): status ${receipts[i]?.status}, wanted ${wanted}`);
      }
      return { ...tx, gasUsed: BigInt(receipts[i].gasUsed) };
    });
  }

  /** The state of the chain as of the last block, for situations.json. */
  async describeHead() {
    const block = await this.#rpc('eth_getBlockByNumber', 'latest', false);
    if (Number(block.timestamp) !== this.head) throw new Error(`the head is of ${Number(block.timestamp)}, wanted ${this.head}`);
    return { number: Number(block.number), hash: block.hash, timestamp: this.head };
  }
}
