// The VRF situations: a subscription each, every one healthy but for what its note says.
import { ethers } from 'ethers';
import { startAnvil } from './anvil.mjs';
import { GENESIS, addressOf, keyOf } from './chain.mjs';
import { NODE_KEY } from './fulfil.mjs';
import { BUILD_ARGS } from './output.mjs';
import { Timeline } from './timeline.mjs';
import { Vrf, WEI_PER_LINK, link, ownerOf } from './vrf-deploy.mjs';
import { finishVrf } from './vrf-output.mjs';

const HEAD = 600;
/** The age of the LINK feed that is stale after one day. */
const TWO_DAYS = 2 * 86_400;
const NODES = { node: NODE_KEY, dry: keyOf('vrf node dry'), stuck: keyOf('vrf node stuck'), gap: keyOf('vrf node gap') };
export const FUNDER = keyOf('vrf funder');

export async function buildVrf(cache, contracts) {
  const anvil = await startAnvil(BUILD_ARGS);
  try {
    const timeline = new Timeline(anvil.rpc, GENESIS);
    const vrf = new Vrf(anvil.rpc, timeline, contracts);
    await vrf.deploy();
    await coordinators(vrf);
    const all = situations(vrf);
    await setUp(vrf, all);
    await play(vrf, all);
    await finishVrf({ cache, name: 'vrf', vrf, all, nodes: NODES, funder: FUNDER });
  } finally {
    await anvil.stop();
  }
}

async function coordinators(vrf) {
  const { timeline } = vrf;
  vrf.coordinator('main', { lanes: ['main', 'cheap'] });
  vrf.coordinator('v2', { version: '2', lanes: ['v2'] });
  const stale = vrf.mockFeed(WEI_PER_LINK);
  const then = timeline.now - TWO_DAYS;
  vrf.own(stale, vrf.call('MockV3Aggregator', 'updateRoundData', 2, WEI_PER_LINK, then, then));
  vrf.coordinator('stale', { feed: stale, fallback: WEI_PER_LINK / 5n });
  vrf.coordinator('free', { feed: vrf.mockFeed(0n) });
  const next = vrf.coordinator('next', { code: 'next' });
  const { main } = vrf.coordinators;
  vrf.own(main.address, vrf.call(main.contract, 'registerMigratableCoordinator', next.address));
  await timeline.mine();
}

/** Creates, funds and peoples every subscription. */
async function setUp(vrf, all) {
  const { timeline } = vrf;
  await timeline.fund([...all.map((sub) => sub.owner), FUNDER]);
  vrf.own(vrf.link, vrf.call('LinkToken', 'transfer', addressOf(FUNDER), link(100_000)));
  for (const sub of all) vrf.createSubscription(sub);
  await timeline.mine();
  for (const sub of all) vrf.setUpSubscription(sub);
  await timeline.mine();
}

/** Block by block: requests of that age, then what happens at that age. */
async function play(vrf, all) {
  const { timeline } = vrf;
  const oldest = Math.max(...all.flatMap((sub) => sub.requests.map((r) => r.age)));
  if (HEAD - oldest <= timeline.block) throw new Error(`the oldest request belongs to a block before ${timeline.block}`);
  while (timeline.block < HEAD) {
    const age = HEAD - timeline.block - 1;
    const due = all.flatMap((sub) => sub.requests.filter((r) => r.age === age).map((r) => [sub, r]));
    for (const [sub, request] of due) vrf.request(sub, request);
    for (const sub of all) await sub.then?.[age]?.(sub);
    await timeline.mine();
    for (const [sub, request] of due) vrf.requested(sub, request);
  }
  for (const sub of all) await sub.atHead?.(sub);
}

/** What a subscription and a request are unless a situation says otherwise. */
const SUBSCRIPTION = { coordinator: 'main', cause: null, blocking: true, expect: null, native: 0n };
const REQUEST = { consumerKind: 'example', age: 20, gas: 200_000, words: 1, confirmations: 3, nativePayment: false };

function situations(vrf) {
  const all = [];
  /**
   * `cause` is the verdict to be found, `expect` what the coordinator says of a fulfilment: null if it lets it, else the
   * name of the error, `empty` without one. `then` is what happens at which age.
   */
  const situation = (name, note, { requests = [{}], ...rest } = {}) => {
    const sub = { name, note, owner: ownerOf(name), link: link(100), ...SUBSCRIPTION, ...rest };
    sub.coordinator = vrf.coordinators[sub.coordinator];
    const lane = sub.coordinator.version === '2' ? 'v2' : 'main';
    sub.requests = requests.map((own) => ({ lane, ...REQUEST, ...own }));
    all.push(sub);
  };
  /** Both versions have these; the name of the V2 twin starts with `v2-`. */
  const both = (name, note, options = {}) => {
    situation(name, note, options);
    situation(`v2-${name}`, `the same on V2: ${note}`, { ...options, coordinator: 'v2', ...options.v2 });
  };

  common(vrf, both);
  money(vrf, situation);
  feeds(situation);
  blockhashes(vrf, situation);
  node(vrf, situation);
  moved(vrf, situation);
  notOnChain(situation);
  return all;
}

const fulfilAt = (vrf, age, options) => ({ [age]: (sub) => vrf.fulfil(sub.requests[0], options) });

function common(vrf, both) {
  both('healthy-pending', 'confirmed, funded, fulfillable: only the node has to act');
  both('fulfilled', 'fulfilled ten blocks after the request', {
    cause: 'already-fulfilled', blocking: false, expect: 'NoCorrespondingRequest', requests: [{ age: 60 }], then: fulfilAt(vrf, 50),
  });
  both('callback-failed', 'fulfilled; the consumer reverted in its callback', {
    cause: 'callback-failed', expect: 'NoCorrespondingRequest', requests: [{ age: 60, consumerKind: 'reverting' }], then: fulfilAt(vrf, 50),
  });
  both('callback-out-of-gas', 'fulfilled; a callback gas limit of 10,000 was too little for the consumer', {
    cause: 'callback-failed', expect: 'NoCorrespondingRequest', requests: [{ age: 60, gas: 10_000 }], then: fulfilAt(vrf, 50),
  });
  both('unconfirmed', 'two blocks old and 10 confirmations wanted; the coordinator itself does not ask for them', {
    cause: 'unconfirmed', requests: [{ age: 2, confirmations: 10 }],
  });
  both('underfunded', '0.01 LINK: not enough at any gas price', { cause: 'underfunded', expect: 'InsufficientBalance', link: link(0.01) });
  both('unknown-key-hash', 'the key hash is registered nowhere', {
    cause: 'unknown-key-hash', expect: 'NoSuchProvingKey', requests: [{ lane: 'unknown' }],
  });
  both('blockhash-expired', '420 blocks old and the block hash is not in the store', {
    cause: 'blockhash-expired', expect: 'Error', requests: [{ age: 420 }],
  });
  both('consumer-not-contract', 'the consumer is a plain account', {
    cause: 'consumer-not-contract', expect: 'empty', requests: [{ consumerKind: 'eoa' }],
  });
  both('subscription-gone', 'cancelled by the owner of the coordinator while the request was pending', {
    cause: 'subscription-gone',
    // V2.5 counts the pending requests of the consumer down, and there are none left to count.
    expect: 'Panic',
    v2: { expect: 'InsufficientBalance' },
    requests: [{ age: 40 }],
    then: {
      10: ({ coordinator, id }) => vrf.own(coordinator.address, vrf.call(coordinator.contract, 'ownerCancelSubscription', id)),
    },
  });
  both('reorged', 'the commitment is that of the next block, as if a reorganisation had moved the request: the log is an orphan', {
    cause: 'reorged', expect: 'IncorrectCommitment', requests: [{ age: 20 }], atHead: (sub) => vrf.moveCommitment(sub.requests[0]),
  });
}

function money(vrf, situation) {
  const native = { nativePayment: true };
  situation('healthy-native', 'healthy, paid in the native coin; no LINK', {
    link: 0n, native: ethers.parseEther('1'), requests: [native],
  });
  situation('underfunded-native', 'paid in the native coin, of which there is none; 100 LINK do not help', {
    cause: 'underfunded', expect: 'InsufficientBalance', requests: [native],
  });
  situation('underfunded-waits', '1 LINK: enough for the gas price of today, not for the highest of the lane: the node waits', {
    cause: 'underfunded', expect: 'InsufficientBalance', link: link(1),
  });
  situation('underfunded-band', '30 LINK: more than the simulated charge at the highest price of the lane, less than the documented maximum of 48', {
    cause: 'underfunded', blocking: false, link: link(30),
  });
  situation('head-of-line', '30 LINK for three requests: the one with the lowest callback gas limit is affordable, the middle one is not, the dearest waits behind it', {
    cause: 'underfunded', expect: 'InsufficientBalance', link: link(30), main: 1,
    requests: [{ gas: 100_000, words: 1, age: 22 }, { gas: 300_000, words: 8, age: 24 }, { gas: 500_000, words: 15, age: 26 }],
  });
  situation('gas-price-above-lane', 'the lane ends at 1.5 gwei; the base fee is 2 gwei', {
    cause: 'gas-price-above-lane', expect: 'GasPriceExceeded', requests: [{ lane: 'cheap' }],
  });
  situation('v2-older-pending', 'two requests of one consumer, the newer one fulfilled: pendingRequestExists is false and the older one pending', {
    coordinator: 'v2', main: 1, requests: [{ age: 30 }, { age: 40, sameConsumer: 0 }],
    then: { 20: (sub) => vrf.fulfil(sub.requests[0]) },
  });
}

function feeds(situation) {
  situation('link-feed-stale', 'the LINK feed is two days old and the fallback price five times dearer; 500 LINK are enough all the same', {
    coordinator: 'stale', cause: 'link-feed-stale', blocking: false, link: link(500),
  });
  situation('link-feed-stale-underfunded', '50 LINK: enough at the price of the feed, too little at the fallback price', {
    coordinator: 'stale', cause: 'underfunded', also: ['link-feed-stale'], expect: 'InsufficientBalance', link: link(50),
  });
  situation('link-price-zero', 'the LINK feed is fresh and answers 0', {
    coordinator: 'free', cause: 'link-feed-stale', expect: 'InvalidLinkWeiPrice',
  });
}

function blockhashes(vrf, situation) {
  situation('blockhash-window', '230 blocks old and the block hash is not in the store: fulfillable, with 26 blocks left', {
    requests: [{ age: 230 }],
  });
  const stored = {
    requests: [{ age: 430 }],
    then: {
      330: (sub) => vrf.own(vrf.blockhashStore, vrf.call('BlockhashStore', 'store', sub.requests[0].tx.block)),
    },
  };
  situation('blockhash-stored', '430 blocks old; the block hash is in the store: nothing is wrong', stored);
  situation('v2-blockhash-stored', 'the same on V2: the block hash is in the store', { ...stored, coordinator: 'v2' });
}

function node(vrf, situation) {
  situation('node-key-dry', 'the key of the node has no gas', { cause: 'node-key-dry', node: 'dry' });
  situation('tx-stuck', 'after_load: the fulfilment is pending at half the base fee', { cause: 'tx-stuck', node: 'stuck', pending: { nonce: 0, divisor: 2n } });
  situation('nonce-gap', 'after_load: the fulfilment is queued behind a nonce that nobody uses', { cause: 'tx-stuck', node: 'gap', pending: { nonce: 1, divisor: 1n } });
  situation('fulfil-gas-too-low', 'the node sent the fulfilment with 250,000 gas for a callback of 200,000: it reverted without data', {
    cause: 'fulfil-gas-too-low', requests: [{ age: 40 }], then: fulfilAt(vrf, 35, { gas: 250_000n, reverts: true }),
  });
}

/** The subscription moves to another coordinator, for which its owner must have nothing pending; requests go on there. */
function moved(vrf, situation) {
  const { main, next } = vrf.coordinators;
  const there = {};
  situation('coordinator-migrated', 'fulfilled once, then migrated to another coordinator: no such subscription here; a request there is pending', {
    cause: 'coordinator-migrated', expect: 'NoCorrespondingRequest', requests: [{ age: 100 }],
    then: {
      ...fulfilAt(vrf, 95),
      60: ({ owner, id }) => vrf.timeline.send(owner, main.address, vrf.call(main.contract, 'migrate', id, next.address)),
      30: (sub) => {
        Object.assign(there, { ...sub, coordinator: next, request: { ...sub.requests[0] } });
        vrf.request(there, there.request);
      },
      29: () => vrf.requested(there, there.request),
      25: (sub) => {
        const { to, data } = vrf.requestCall(sub, { ...sub.requests[0], consumerKind: 'eoa' });
        sub.late = vrf.timeline.send(sub.owner, to, data, { reverts: true });
      },
    },
    extra: (sub) => ({
      new_coordinator: next.address,
      /** The same number again: the id of a request is made of key hash, consumer, subscription and a count from 1. */
      new_request_id: String(there.request.id),
      new_tx: there.request.tx.hash,
      /** To the coordinator that the subscription left: InvalidSubscription. */
      late_tx: sub.late.hash,
    }),
  });
}

function notOnChain(situation) {
  const reverted = (name, reverts, note, request, options = {}) =>
    situation(name, note, { cause: 'not-on-chain', requests: [{ ...request, reverts }], ...options });
  reverted('not-on-chain', 'InvalidConsumer', 'the consumer is not on the list of the subscription: the transaction reverted', { unlisted: true });
  reverted('v2-not-on-chain', 'InvalidConsumer', 'the same on V2', { unlisted: true }, { coordinator: 'v2' });
  reverted('not-on-chain-confirmations', 'InvalidRequestConfirmations', '1 confirmation wanted, 3 are the least', { confirmations: 1 });
  reverted('not-on-chain-gas', 'GasLimitTooBig', 'a callback gas limit of 3,000,000, 2,500,000 is the most', { gas: 3_000_000 });
  reverted('not-on-chain-words', 'NumWordsTooBig', '501 words wanted, 500 are the most', { words: 501 });
  reverted('not-on-chain-subscription', 'InvalidSubscription', 'the consumer names a subscription that nobody made', { wrongSubscription: 42n });
}
