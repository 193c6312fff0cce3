// 500 pending requests over 50,000 blocks on one coordinator, for what is about many.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ethers } from 'ethers';
import { dumpState, startAnvil } from './anvil.mjs';
import { BLOCK_TIME, GENESIS } from './chain.mjs';
import { NODE_KEY } from './fulfil.mjs';
import { BUILD_ARGS } from './output.mjs';
import { Timeline } from './timeline.mjs';
import { Vrf, link, ownerOf } from './vrf-deploy.mjs';
import { finishVrf } from './vrf-output.mjs';

const REQUESTS = 500;
const SPAN = 50_000;
/** Requests come in bursts, a few blocks from one to the next; most of the blocks between the bursts are never made. */
const BURSTS = 50;
const PER_BURST = REQUESTS / BURSTS;
const BLOCKS_PER_BURST = SPAN / BURSTS;
const SUBSCRIPTIONS = 10;
/** In the first burst the block hash of this one is not in the store, in the next that of the one after it, and so on. */
const UNSTORED = 6;
const LINK_EACH = 10_000;
/** For 50 requests. */
const LINK_POOR = 300;
/** So many blocks before the head are all there. */
const TAIL = 300;

export async function buildMany(cache, contracts) {
  const chain = new Jumping(join(cache, 'vrf-many.tmp'));
  try {
    await chain.start();
    const timeline = new Timeline(chain.rpc, GENESIS);
    const vrf = new Vrf(chain.rpc, timeline, contracts);
    await vrf.deploy();
    vrf.coordinator('main');
    const all = Array.from({ length: SUBSCRIPTIONS }, (_, i) => subscription(vrf, i));
    const funder = ownerOf('many');
    await timeline.fund([funder, ...all.map((sub) => sub.owner)]);
    for (const sub of all) vrf.createSubscription(sub);
    await timeline.mine();
    for (const sub of all) vrf.setUpSubscription(sub);
    await timeline.mine();
    const first = timeline.block;
    for (let burst = 0; burst < BURSTS; burst += 1) {
      await requests(vrf, all, burst);
      const end = first + (burst + 1) * BLOCKS_PER_BURST;
      await chain.jump(timeline, burst === BURSTS - 1 ? end - TAIL : end);
    }
    while (timeline.block < first + SPAN) await timeline.mine();
    await finishVrf({ cache, name: 'vrf-many', vrf, all, nodes: { node: NODE_KEY }, funder });
  } finally {
    await chain.stop();
  }
}

function subscription(vrf, i) {
  const poor = i === SUBSCRIPTIONS - 1;
  const request = { lane: 'main', consumerKind: 'example', gas: 200_000, words: 1, confirmations: 3, nativePayment: false };
  const requests = Array.from({ length: REQUESTS / SUBSCRIPTIONS }, (_, k) => ({ ...request, ...(k > 0 && { sameConsumer: 0 }) }));
  return {
    name: `s${i}`, note: `${poor ? LINK_POOR : LINK_EACH} LINK for ${requests.length} requests`, cause: poor ? 'underfunded' : null, blocking: poor,
    expect: i === UNSTORED ? 'Error' : null, askOne: true, owner: ownerOf(`many/${i}`), coordinator: vrf.coordinators.main, native: 0n, link: link(poor ? LINK_POOR : LINK_EACH), requests,
  };
}

/** One request of each subscription, and the block hashes of most into the store. */
async function requests(vrf, all, burst) {
  for (let i = 0; i < PER_BURST; i += 1) {
    const request = all[i].requests[burst];
    vrf.request(all[i], request);
    await vrf.timeline.mine();
    vrf.requested(all[i], request);
    request.stored = i !== (burst + UNSTORED) % PER_BURST;
    if (request.stored) vrf.own(vrf.blockhashStore, vrf.call('BlockhashStore', 'store', request.tx.block));
    await vrf.timeline.mine();
  }
}

/**
 * A chain that can leave out blocks. Anvil takes longer for each block the more there are, about half an hour for all of
 * these; so its state is dumped and loaded again with a head of a higher number.
 */
class Jumping {
  #anvil;
  #file;
  rpc = (...call) => this.#anvil.rpc(...call);

  constructor(file) {
    this.#file = file;
  }

  async start(...args) {
    this.#anvil = await startAnvil([...BUILD_ARGS, ...args]);
  }

  async stop() {
    await this.#anvil?.stop();
    rmSync(this.#file, { force: true });
  }

  async jump(timeline, to) {
    await timeline.mine();
    const { hash } = await this.rpc('eth_getBlockByNumber', 'latest', false);
    const time = timeline.now + (to - timeline.block) * BLOCK_TIME;
    const state = await dumpState(this.rpc, (now) => withHead(now, to, time, hash));
    await this.#anvil.stop();
    writeFileSync(this.#file, state);
    await this.start('--load-state', this.#file);
    Object.assign(timeline, { block: to, now: time });
  }
}

/** The state with one more block, without transactions, of that number and time. */
function withHead(state, number, timestamp, parentHash) {
  const numbered = { number: ethers.toQuantity(number), timestamp: ethers.toQuantity(timestamp) };
  const last = state.blocks.find(({ header }) => Number(header.number) === state.best_block_number);
  if (last.transactions.length) throw new Error('the head has transactions');
  const block = { ...last, header: { ...last.header, ...numbered, parentHash } };
  return { ...state, block: { ...state.block, ...numbered }, best_block_number: number, blocks: [...state.blocks, block] };
}
