// The situations: one feed each, every one healthy but for what its note says.
import { ethers } from 'ethers';
import { startAnvil } from './anvil.mjs';
import { Chain, GENESIS, HOUR, addressOf, keyOf } from './chain.mjs';
import { Feeds, LINK, scaled, share, wander } from './feeds.mjs';
import { config, oracle, payee } from './ocr.mjs';
import { BUILD_ARGS, finish } from './output.mjs';

const HEAD = GENESIS + 30 * HOUR;
const MINUTE = 60;
/** The rounds of a feed end here, so that the transmissions spread over a few blocks. */
const ENDS = [60, 48, 72];
const shifted = (name, price, factor, from) => (k) => wander(name, price)(k) * (k >= from ? factor : 1);
/** For `absent`: these oracles are missing from that round on; before it one oracle rests in turn. */
const silentFrom = (round, oracles, n) => (k) => (k >= round ? oracles : k % 3 === 0 ? [(k / 3) % n] : []);
const muteFrom = (round, oracles) => (k) => (k >= round ? oracles : []);

export async function buildSituations(cache, contracts) {
  const anvil = await startAnvil(BUILD_ARGS);
  try {
    const chain = new Chain(anvil.rpc, { start: GENESIS, dense: HEAD - 6 * HOUR, head: HEAD });
    const feeds = new Feeds(chain, contracts);
    const plan = {
      feeds: situations(feeds),
      sequencers: {
        up: feeds.sequencer([[27 * HOUR, 0]]),
        down: feeds.sequencer([[27 * HOUR, 0], [20 * MINUTE, 1]]),
        grace: feeds.sequencer([[27 * HOUR, 0], [40 * MINUTE, 1], [10 * MINUTE, 0]]),
      },
      not_a_feed: chain.deploy(contracts.NotAFeed),
      eoa: addressOf(keyOf('eoa')),
    };
    await finish({ cache, name: 'situations', directory: 'directory.json', anvil, chain, lib: feeds, plan });
  } finally {
    await anvil.stop();
  }
}

function situations(lib) {
  const { chain, contracts } = lib;
  const all = [];
  const ago = (seconds) => HEAD - seconds;
  const call = (...args) => lib.call(...args);
  const proxied = (feed, note, extra = {}) => {
    all.push(Object.assign(feed, { proxy: lib.proxy(feed.aggregator, extra.access_controller), note }, extra));
    return feed;
  };
  /** An OCR feed behind its own proxy. `plan` describes the rounds, `extra` everything else that is recorded. */
  const ocr = (name, note, { options, plan, ...extra } = {}) => {
    const feed = lib.ocr(name, options);
    lib.rounds(feed, { end: ENDS[all.length % ENDS.length], ...plan });
    return proxied(feed, note, extra);
  };

  // Healthy, of each kind.
  ocr('ocr2-healthy', 'nothing is wrong');
  ocr('ocr1-healthy', 'nothing is wrong', { options: { kind: 'ocr1' } });
  proxied(lib.flux('flux-healthy'), 'nothing is wrong; a real FluxAggregator');
  proxied(lib.mock('mock-healthy'), 'nothing is wrong; the mock aggregator of test networks; no heartbeat in the directory', {
    directory: { heartbeat: undefined },
  });

  // Updates that do not come.
  ocr('ocr2-stale', 'last update 3 h ago', { plan: { end: 3 * HOUR } });
  ocr('ocr2-late', 'last update 3780 s ago: 180 s past the heartbeat', { plan: { end: 3780 } });
  ocr('ocr2-deprecated', 'last update 20 h ago, on purpose: the directory has a shutdown date', {
    plan: { end: 20 * HOUR, every: 20 * MINUTE },
    directory: { docs: { shutdownDate: 'September 22nd, 2026' } },
  });
  const beyondMax = (name, price, max, from) => (k) => (k < from ? wander(name, price)(k) : max * 1.01);
  const highest = 1000;
  ocr('ocr2-out-of-range', 'round 9 of 24 and all later ones reverted: the median was above maxAnswer', {
    options: { price: highest / 1.02, max: scaled(highest, 8) },
    plan: { price: beyondMax('ocr2-out-of-range', highest / 1.02, highest, 9), reverts: (k) => k >= 9 },
  });

  // Oracles.
  const silent = { plan: { absent: silentFrom(13, [3], 4), mute: muteFrom(13, [3]) } };
  ocr('ocr2-silent', 'oracle 3 observes in none of the rounds 13 to 24', silent);
  ocr('ocr1-silent', 'oracle 3 observes in none of the rounds 13 to 24', {
    ...silent,
    options: { kind: 'ocr1' },
    directory: (entry) => ({ proxyAddress: `${entry.proxyAddress}\n` }),
  });
  ocr('ocr2-outlier', 'oracle 2 observes 5 % too much in the rounds 13 to 24; the median is right', {
    plan: { bias: (k, i) => (k >= 13 && i === 2 ? 0.05 : 0) },
  });
  ocr('ocr2-dry', 'the transmitter of oracle 1 has no gas and does not transmit since round 15', {
    plan: { mute: muteFrom(15, [1]) },
    balances: { 1: () => 0n },
  });
  ocr('ocr2-low-gas', 'the transmitter of oracle 2 has gas for 5 transmissions; a space after the aggregator in the directory', {
    balances: { 2: (gas, price) => (gas * price * 54n) / 10n },
    directory: (entry) => ({ contractAddress: `${entry.contractAddress} ` }),
  });
  ocr('ocr2-stuck', 'after_load: a transaction of the transmitter of oracle 0 is pending, at half the base fee; it does not transmit since round 17', {
    plan: { mute: muteFrom(17, [0]) },
    pending: 0,
  });
  ocr('ocr2-never', 'oracle 3 observes and never transmits', { plan: { mute: () => [3] } });
  ocr('ocr2-epoch-racing', 'the epoch moves by 7 between the rounds from round 15 on', {
    plan: { epochs: (k) => (k >= 15 ? 7 : 1) },
  });

  // Money.
  ocr('ocr2-link-low', 'half a LINK is left for payments', { options: { funds: 0n }, available: () => LINK / 2n });
  ocr('ocr2-link-negative', 'more LINK is owed than there is: 25 LINK short', {
    options: { funds: 0n },
    available: () => -25n * LINK,
  });
  ocr('ocr2-gas-billing', 'at most 1 gwei is reimbursed: less than the gas price', {
    options: { billing: { maximum: 1, reasonable: 1 } },
  });

  // Answers.
  const bound = 500;
  ocr('ocr2-bounds', 'the answer is within 1 % of maxAnswer', { options: { price: bound / 1.005, max: scaled(bound, 8) } });
  ocr('ocr2-jump', 'the last answer is 4 % above the one before, at a threshold of 0.5 %', {
    options: { price: 100 },
    plan: { price: shifted('ocr2-jump', 100, 1.04, 24) },
  });
  ocr('ocr2-decimals', 'the directory says 18 decimals, the feed has 8', { directory: { decimals: 18, decimalPlaces: 18 } });
  ocr('ocr2-escape', 'the description holds an escape sequence, a direction override and a line break', {
    options: { description: '\u001b[31mEVIL\u202e / USD\n' },
  });

  // Configuration, phases and migrations.
  configChanged(lib, proxied);
  const replaced = lib.rounds(lib.ocr('ocr2-mismatch/old', { description: 'OCR2-MISMATCH / USD' }), { end: 18_060, count: 8 });
  const current = lib.rounds(lib.ocr('ocr2-mismatch', { price: replaced.price }), { count: 60 });
  all.push(Object.assign(current, {
    proxy: lib.proxy(replaced.aggregator),
    old_aggregator: replaced.aggregator,
    others: [replaced],
    note: 'the directory names the aggregator of phase 1, which the proxy left 5 h ago',
    directory: { contractAddress: replaced.aggregator },
  }));
  confirm(current, 5 * HOUR);

  const migrating = ocr('ocr2-migration', 'a second aggregator is proposed, whose answer is 3 % higher');
  const proposed = lib.ocr('ocr2-migration/proposed', { description: migrating.description, price: migrating.price * 1.03 });
  lib.rounds(proposed, { price: shifted(migrating.name, migrating.price, 1.03, 0) });
  Object.assign(migrating, { proposed: proposed.aggregator, others: [proposed] });
  chain.own(migrating.proxy, call('EACAggregatorProxy', 'proposeAggregator', proposed.aggregator), ago(30 * MINUTE));

  const before = lib.rounds(lib.ocr('ocr2-phases/old', { description: 'OCR2-PHASES / USD', price: 77 }));
  const after = lib.rounds(lib.ocr('ocr2-phases', { price: 77 }), { end: 48, count: 14 });
  all.push(Object.assign(after, {
    proxy: lib.proxy(before.aggregator),
    old_aggregator: before.aggregator,
    others: [before],
    note: 'phase 2 was confirmed 40 min ago; the aggregator of phase 1 still gets transmissions',
  }));
  confirm(after, 40 * MINUTE);

  function confirm(feed, seconds) {
    chain.own(feed.proxy, call('EACAggregatorProxy', 'proposeAggregator', feed.aggregator), ago(seconds + 5 * MINUTE));
    chain.own(feed.proxy, call('EACAggregatorProxy', 'confirmAggregator', feed.aggregator), ago(seconds));
  }

  // Access.
  ocr('ocr2-no-access', 'the aggregator checks access and the proxy is not on its list: reads through the proxy revert', {
    options: { checkAccess: true },
  });
  const allowed = ocr('ocr2-access', 'the aggregator checks access and the proxy is on its list: nothing is wrong', {
    options: { checkAccess: true },
  });
  const secondary = lib.proxy(allowed.aggregator);
  allowed.directory = { secondaryProxyAddress: secondary };
  for (const reader of [allowed.proxy, secondary]) chain.own(allowed.aggregator, call('Ocr2Feed', 'addAccess', reader));
  ocr('ocr2-proxy-acl', 'the proxy has an access controller that allows no contract', {
    access_controller: chain.deploy(contracts.SimpleReadAccessController),
  });

  // Without a proxy, and the one for the demonstration.
  all.push(Object.assign(lib.rounds(lib.ocr('no-proxy')), { proxy: null, note: 'an aggregator that no proxy names' }));
  demo(ocr);
  return all;
}

function configChanged(lib, proxied) {
  const name = 'ocr2-config-changed';
  const feed = lib.ocr(name);
  // Between the rounds 12 and 13.
  const time = HEAD - 60 - 12 * 5 * MINUTE + 144;
  const fresh = oracle(name, 4);
  const set = [...feed.oracles.slice(0, 3), fresh];
  const second = config(feed, set, feed.f, 2);
  const own = (method, ...args) => lib.chain.own(feed.aggregator, lib.call('Ocr2Feed', method, ...args), time);
  own('setPayees', [fresh.address], [payee(name, 4)]);
  own('setConfig', ...second.args);
  lib.rounds(feed, { configs: [{ time, config: second }] });
  feed.former = feed.oracles.slice(3);
  feed.oracles = set;
  proxied(feed, 'a second configuration after round 12 of 24 replaces oracle 3 by a new one');
}

function demo(ocr) {
  ocr('demo', 'oracles 5 and 11 of 16 silent since round 10 of 24; transmitter 11 has gas for 6 transmissions; LINK for a day', {
    options: { count: 16, f: 5, price: 3412, description: 'ETH / USD', funds: 0n },
    // The first turn is that of oracle 4, so that 5 and 11 transmit before they fall silent.
    plan: { absent: silentFrom(10, [5, 11], 16), mute: muteFrom(10, [5, 11]), firstTurn: 4 },
    available: (owed, seconds) => (owed * BigInt(24 * HOUR)) / BigInt(seconds),
    balance: (i) => ethers.parseEther((1.2 + 1.8 * share('demo', 'balance', i)).toFixed(6)),
    balances: { 11: (gas, price) => (gas * price * 63n) / 10n },
    asset: 'ETH',
  });
}
