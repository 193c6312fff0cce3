// The VRF situations: a subscription each, every one healthy but for what its note says.
import { ethers } from 'ethers';
import { startAnvil } from './anvil.mjs';
import { GENESIS, addressOf, keyOf } from './chain.mjs';
import { NODE_KEY } from './fulfil.mjs';
import { BUILD_ARGS } from './output.mjs';
import { Timeline } from './timeline.mjs';
import { Vrf, link, ownerOf } from './vrf-deploy.mjs';
import { finishVrf } from './vrf-output.mjs';

const HEAD = 600;
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
  const stale = vrf.mockFeed(10n ** 18n / 200n);
  const long = timeline.now - TWO_DAYS;
  vrf.own(stale, vrf.call('MockV3Aggregator', 'updateRoundData', 2, 10n ** 18n / 200n, long, long));
  vrf.coordinator('stale', { feed: stale, fallback: 10n ** 18n / 1000n });
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
}

function situations(vrf) {
  const all = [];
  const { timeline } = vrf;
  /**
   * A subscription with one request, or with `requests`. `cause` is the verdict to be found, `expect` what the
   * coordinator says of a fulfilment: null if it lets it, or the name of the error.
   */
  const situation = (name, note, { cause = null, coordinator = 'main', expect = null, requests = [{}], ...rest } = {}) => {
    const { version } = vrf.coordinators[coordinator];
    const common = {
      lane: version === '2' ? 'v2' : 'main', consumerKind: 'example', age: 20, gas: 200_000, words: 1, confirmations: 3, nativePayment: false,
    };
    const sub = { name, note, cause, expect, owner: ownerOf(name), link: link(100), native: 0n, ...rest };
    sub.coordinator = vrf.coordinators[coordinator];
    sub.requests = requests.map((own) => ({ ...common, ...own }));
    all.push(sub);
    return sub;
  };
  const fulfilAt = (age, options) => ({ [age]: (sub) => vrf.fulfil(sub.requests[0], options) });

  situation('healthy-pending', 'confirmed, funded: only the node has to act');
  situation('healthy-native', 'the same, paid in the native coin', {
    link: 0n, native: ethers.parseEther('1'), requests: [{ nativePayment: true }],
  });
  situation('fulfilled', 'fulfilled ten blocks after the request', {
    cause: 'already-fulfilled', expect: 'NoCorrespondingRequest', requests: [{ age: 60 }], then: fulfilAt(50),
  });
  situation('underfunded-link', '0.01 LINK: not enough at any gas price', {
    cause: 'underfunded', expect: 'InsufficientBalance', link: link(0.01),
  });
  situation('blockhash-expired', 'the request is 420 blocks old and its block hash is not in the store', {
    cause: 'blockhash-expired', expect: 'Error', requests: [{ age: 420 }],
  });
  situation('v2-healthy', 'confirmed, funded: only the node has to act', { coordinator: 'v2' });
  return all;
}
