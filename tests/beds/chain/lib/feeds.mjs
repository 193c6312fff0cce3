// Feeds of each kind: their contracts, their configuration and their rounds, queued on a chain.
import { ethers } from 'ethers';
import { BLOCK_TIME, addressOf, keyOf } from './chain.mjs';
import { config, oracles, payee, report } from './ocr.mjs';

export const MULTICALL3 = '0xcA11bde05977b3631167028862bE2a173976CA11';
export const MAX_ANSWER = 2n ** 176n - 1n;
export const LINK = 10n ** 18n;
const ROUND_EVERY = 300;
const ROUNDS = 24;
/** The seconds that the rounds of a feed stand for. */
export const WINDOW = ROUNDS * ROUND_EVERY;
/** Juels per whole coin of gas: 200 LINK for 1 ETH. */
const JUELS_PER_COIN = 200n * LINK;
const BILLING = { maximum: 2000, reasonable: 100 };
const PAY_GJUELS = { observation: 50_000_000, transmission: 100_000_000 };
const ACCOUNTING_GAS = 3800;
const OCR1_MICRO_LINK_PER_ETH = 200_000_000;

const MOCK_KEEPER = keyOf('mock keeper');
const SEQUENCER_KEEPER = keyOf('sequencer keeper');

/** A number in [0, 1) that depends on the words alone. */
export const share = (...words) => Number(BigInt(ethers.id(words.join('/'))) >> 224n) / 2 ** 32;

export class Feeds {
  constructor(chain, contracts) {
    Object.assign(this, { chain, contracts });
    this.link = chain.deploy(contracts.LinkToken);
  }

  call(contract, method, ...args) {
    return this.contracts[contract].abi.encodeFunctionData(method, args);
  }

  proxy(aggregator, controller = ethers.ZeroAddress) {
    return this.chain.deploy(this.contracts.EACAggregatorProxy, [aggregator, controller]);
  }

  /** An aggregator of kind ocr1 or ocr2 with billing, payees, LINK and its first configuration. */
  ocr(name, options = {}) {
    const feed = {
      name, kind: 'ocr2', count: 4, f: 1, decimals: 8, min: 1n, max: MAX_ANSWER, billing: BILLING,
      description: `${name.toUpperCase()} / USD`, price: 1 + Math.floor(share(name, 'price') * 3000),
      checkAccess: false, funds: 100_000n * LINK, rounds: [], ...options,
    };
    const contract = feed.kind === 'ocr1' ? 'Ocr1Feed' : 'Ocr2Feed';
    const controller = this.controller();
    feed.contract = contract;
    feed.aggregator = this.chain.deploy(this.contracts[contract], [
      this.link, feed.min, feed.max, controller, controller, feed.decimals, feed.description,
    ]);
    const own = (method, ...args) => this.chain.own(feed.aggregator, this.call(contract, method, ...args));
    if (!feed.checkAccess) own('disableAccessCheck');
    own('setBilling', ...billingArgs(feed));
    feed.oracles = oracles(name, feed.count);
    own('setPayees', feed.oracles.map((o) => o.address), feed.oracles.map((_, i) => payee(name, i)));
    feed.config = config(feed, feed.oracles, feed.f);
    own('setConfig', ...feed.config.args);
    if (feed.funds) this.chain.own(this.link, this.call('LinkToken', 'transfer', feed.aggregator, feed.funds));
    return feed;
  }

  /** One access controller for billing and round requests of all feeds. */
  controller() {
    this.sharedController ??= this.chain.deploy(this.contracts.SimpleReadAccessController);
    return this.sharedController;
  }

  /**
   * Queues `count` rounds, the last `end` seconds before the head. Everything about round k (1 … count) can be set by a
   * function of k: `absent` (oracle indices), `mute` (those that do not transmit), `epochs` (step), `price`, `bias` (of
   * one oracle's observation), `reverts`.
   */
  rounds(feed, plan = {}) {
    const p = {
      end: 60, count: ROUNDS, every: ROUND_EVERY, absent: restingOracle(feed.count), mute: () => [],
      epochs: () => 1, price: wander(feed.name, feed.price), bias: () => 0, reverts: () => false, ...plan,
    };
    const n = feed.count;
    let epoch = 0;
    let turn = (p.firstTurn ?? 0) - 1;
    let recorded = feed.rounds.length;
    for (let k = 1; k <= p.count; k += 1) {
      const time = this.chain.head - p.end - (p.count - k) * p.every;
      const at = p.configs?.findLast((c) => time > c.time)?.config ?? feed.config;
      if (at !== feed.config) {
        // The position starts anew with each configuration.
        feed.config = at;
        epoch = 0;
      }
      epoch += p.epochs(k);
      const absent = p.absent(k);
      const silent = new Set([...absent, ...p.mute(k)]);
      do turn = (turn + 1) % n;
      while (silent.has(turn));
      const price = p.price(k);
      const observations = [];
      for (let i = 0; i < n; i += 1) {
        if (absent.includes(i)) continue;
        const noise = (share(feed.name, k, i) - 0.5) * 0.0004;
        observations.push([i, scaled(price * (1 + noise + p.bias(k, i)), feed.decimals)]);
      }
      const observedAt = time - 10 - (k % 5);
      const args = report(feed.kind, at, { observations, epoch, round: 1, observedAt, juelsPerFeeCoin: JUELS_PER_COIN });
      const sender = at.set[turn];
      const data = this.call(feed.contract, 'transmit', ...args);
      const reverts = p.reverts(k);
      this.#round(feed, time, k, { key: sender.transmitter, data, reverts });
      if (reverts) continue;
      recorded += 1;
      feed.rounds.push({ id: recorded, time, transmitter: turn, epoch });
      feed.lastTransmit = data;
    }
    return feed;
  }

  #round(feed, time, k, tx) {
    this.chain.at(time, { ...tx, to: feed.aggregator, isRound: true, label: `${feed.name} round ${k}` });
  }

  /** The real FluxAggregator with three oracles; each round is three submissions in three blocks. */
  flux(name, { count = ROUNDS, end = 60, ...options } = {}) {
    const feed = { name, kind: 'flux', decimals: 8, description: `${name.toUpperCase()} / USD`, price: 1500, rounds: [], ...options };
    const abi = this.contracts.FluxAggregator;
    feed.contract = 'FluxAggregator';
    feed.aggregator = this.chain.deploy(abi, [
      this.link, LINK / 10n, 180, ethers.ZeroAddress, 1n, 10n ** 30n, feed.decimals, feed.description,
    ]);
    const keys = [0, 1, 2].map((i) => keyOf(`${name}/oracle/${i}`));
    feed.oracles = keys.map((key) => ({ transmitter: key, address: addressOf(key) }));
    const addresses = feed.oracles.map((o) => o.address);
    this.chain.own(this.link, this.call('LinkToken', 'transferAndCall', feed.aggregator, 10_000n * LINK, '0x'));
    const admins = addresses.map((_, i) => payee(name, i));
    this.chain.own(feed.aggregator, this.call('FluxAggregator', 'changeOracles', [], addresses, admins, 2, 3, 0));
    for (let k = 1; k <= count; k += 1) {
      const time = this.chain.head - end - (count - k) * ROUND_EVERY;
      keys.forEach((key, i) => {
        const value = scaled(wander(name, feed.price)(k) * (1 + (i - 1) * 0.0001), feed.decimals);
        const data = this.call('FluxAggregator', 'submit', k, value);
        this.#round(feed, time - (2 - i) * BLOCK_TIME, k, { key, data });
      });
      feed.rounds.push({ id: k, time });
    }
    return feed;
  }

  /** MockV3Aggregator, as test networks have it: anybody may set the answer. */
  mock(name, { count = ROUNDS, end = 60 } = {}) {
    const feed = { name, kind: 'mock', decimals: 8, price: 25, oracles: [], rounds: [{ id: 1 }] };
    feed.contract = 'MockV3Aggregator';
    feed.description = 'v0.6/tests/MockV3Aggregator.sol';
    feed.aggregator = this.chain.deploy(this.contracts.MockV3Aggregator, [feed.decimals, scaled(feed.price, feed.decimals)]);
    for (let k = 1; k <= count; k += 1) {
      const time = this.chain.head - end - (count - k) * ROUND_EVERY;
      const data = this.call('MockV3Aggregator', 'updateAnswer', scaled(wander(name, feed.price)(k), feed.decimals));
      this.#round(feed, time, k, { key: MOCK_KEEPER, data });
      feed.rounds.push({ id: k + 1, time });
    }
    return feed;
  }

  /** An L2 sequencer uptime feed behind a proxy: `changes` are [seconds before the head, 0 up | 1 down]. */
  sequencer(changes) {
    const aggregator = this.chain.deploy(this.contracts.MockV3Aggregator, [0, 0]);
    changes.forEach(([ago, status], i) => {
      const time = this.chain.head - ago;
      const data = this.call('MockV3Aggregator', 'updateRoundData', i + 1, status, time, time);
      this.chain.at(time, { key: SEQUENCER_KEEPER, to: aggregator, data });
    });
    return this.proxy(aggregator);
  }
}

function billingArgs({ kind, billing: { maximum, reasonable } }) {
  const { observation, transmission } = PAY_GJUELS;
  if (kind === 'ocr1') return [maximum, reasonable, OCR1_MICRO_LINK_PER_ETH, observation, transmission];
  return [maximum, reasonable, observation, transmission, ACCOUNTING_GAS];
}

/** Every third round one oracle is missing, in turn: what a healthy feed looks like. */
const restingOracle = (n) => (k) => (k % 3 === 0 ? [(k / 3) % n] : []);

/** A price that moves by less than 0.3 % from round to round. */
export const wander = (name, price) => (k) => price * (1 + 0.0015 * Math.sin(k * 1.1 + 6.28 * share(name, 'phase')));

export const scaled = (price, decimals) => BigInt(Math.round(price * 1e6)) * 10n ** BigInt(decimals) / 1_000_000n;
