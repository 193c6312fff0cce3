// A hundred feeds for what is about many: speed, order, one report over all.
import { startAnvil } from './anvil.mjs';
import { Chain, GENESIS, HOUR } from './chain.mjs';
import { Feeds } from './feeds.mjs';
import { BUILD_ARGS, finish } from './output.mjs';

const SIZE = 100;
const HEAD = GENESIS + 3 * HOUR;

export async function buildFleet(cache, contracts) {
  const anvil = await startAnvil(BUILD_ARGS);
  try {
    const chain = new Chain(anvil.rpc, { start: GENESIS, dense: GENESIS, head: HEAD });
    const lib = new Feeds(chain, contracts);
    const feeds = Array.from({ length: SIZE }, (_, i) => fleetFeed(lib, i));
    const plan = { feeds, sequencers: {}, eoa: null, not_a_feed: null };
    await finish({ cache, name: 'fleet', directory: 'fleet-directory.json', anvil, chain, lib, plan });
  } finally {
    await anvil.stop();
  }
}

function fleetFeed(lib, i) {
  const name = `f${String(i).padStart(3, '0')}`;
  const silent = i % 10 === 9;
  const feed = lib.ocr(name);
  const quiet = silent ? { absent: () => [3], mute: () => [3] } : {};
  lib.rounds(feed, { count: 8, every: 900, ...quiet });
  return Object.assign(feed, { proxy: lib.proxy(feed.aggregator), note: silent ? 'oracle 3 observes in no round' : 'nothing is wrong' });
}
