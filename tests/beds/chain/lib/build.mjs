// Runs inside the cache folder, next to its node_modules: makes the states and the files that describe them.
import { contracts } from './compile.mjs';
import { buildFleet } from './fleet.mjs';
import { buildSituations } from './situations.mjs';
import { buildMany } from './vrf-many.mjs';
import { buildVrf } from './vrf-situations.mjs';

/** Runs `work` and names the step in what it throws. */
async function step(name, work) {
  try {
    return await work();
  } catch (cause) {
    throw new Error(`${name}: ${cause.message}`, { cause });
  }
}

export async function build(cache) {
  const built = await step('compile', () => contracts(cache));
  // Each waits for an anvil of its own most of the time.
  await Promise.all([
    step('situations', () => buildSituations(cache, built)),
    step('fleet', () => buildFleet(cache, built)),
    step('vrf', () => buildVrf(cache, built)),
    step('vrf-many', () => buildMany(cache, built)),
  ]);
}
