#!/usr/bin/env node
// Makes the chain test bed once: packages, contracts, chain states and their descriptions, in a cache folder.
// Needs nothing but Node and npm; when all is there it says nothing and ends at once.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const cache = resolve(process.env.IRA_BED_CACHE || join(here, '..', '..', '..', 'target', 'beds', 'chain'));
const PACKAGE_FILES = ['package.json', 'package-lock.json', '.npmrc'];
const SOURCE_FOLDERS = ['contracts', 'lib'];
const OUTPUT = [
  'situations.json', 'situations.state', 'directory.json', 'fleet.json', 'fleet.state', 'fleet-directory.json', 'vrf.json', 'vrf.state',
  'vrf-many.json', 'vrf-many.state',
];
const LOCK_LIMIT_MS = 10 * 60_000;
const LOCK_POLL_MS = 200;

const at = (...names) => join(cache, ...names);
const hash = (files) => {
  const sum = createHash('sha256');
  for (const file of files) sum.update(`${file}\0`).update(readFileSync(join(here, file))).update('\0');
  return sum.digest('hex');
};
const sources = SOURCE_FOLDERS.flatMap((folder) => readdirSync(join(here, folder)).sort().map((name) => join(folder, name)));
const packageStamp = () => hash(PACKAGE_FILES);
const bedStamp = hash(['bed.mjs', ...PACKAGE_FILES, ...sources]);

const stampIs = (name, stamp) => existsSync(at(name)) && readFileSync(at(name), 'utf8') === stamp;
const ready = () => stampIs('bed.stamp', bedStamp) && OUTPUT.every((name) => existsSync(at(name)));

/** Runs `work` and names the step in what it throws. */
function step(name, work) {
  try {
    work();
  } catch (cause) {
    throw new Error(`${name}: ${cause.message}`, { cause });
  }
}

/** A folder is the lock: making one is atomic. The lock of a process that is gone is taken over. */
async function locked(work) {
  const lock = at('lock');
  const end = Date.now() + LOCK_LIMIT_MS;
  while (!tryMkdir(lock)) {
    const owner = ownerOf(lock);
    if (isGone(owner)) bury(lock, owner);
    else if (Date.now() > end) throw new Error(`lock: ${lock} is held for more than ${LOCK_LIMIT_MS / 60_000} min; remove it if nobody builds`);
    else await new Promise((wake) => setTimeout(wake, LOCK_POLL_MS));
  }
  try {
    writeFileSync(join(lock, 'pid'), String(process.pid));
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function tryMkdir(folder) {
  try {
    mkdirSync(folder);
    return true;
  } catch (e) {
    if (e.code === 'EEXIST') return false;
    throw e;
  }
}

/** The process id in a lock; empty for the instant in which it is not written yet. */
function ownerOf(lock) {
  try {
    return readFileSync(join(lock, 'pid'), 'utf8');
  } catch {
    return '';
  }
}

function isGone(owner) {
  if (!owner) return false;
  try {
    process.kill(Number(owner), 0); // signal 0 only asks whether the process is there
    return false;
  } catch (e) {
    return e.code === 'ESRCH';
  }
}

/** Of many that find a lock abandoned one removes it: renaming is atomic. */
function bury(lock, owner) {
  const grave = at(`lock-${process.pid}`);
  try {
    renameSync(lock, grave);
    // Another process may have taken the lock over since we looked: then it is not ours to remove.
    if (ownerOf(grave) !== owner) renameSync(grave, lock);
  } catch (e) {
    if (e.code !== 'ENOENT') throw e;
  }
  rmSync(grave, { recursive: true, force: true });
}

/** The bed runs as a copy inside the cache, so that its imports find the packages there. */
function copySources() {
  for (const folder of SOURCE_FOLDERS) {
    rmSync(at(folder), { recursive: true, force: true });
    cpSync(join(here, folder), at(folder), { recursive: true });
  }
  for (const file of PACKAGE_FILES) cpSync(join(here, file), at(file));
}

function install() {
  const stamp = packageStamp();
  if (stampIs('packages.stamp', stamp)) return;
  const npm = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: cache, encoding: 'utf8' });
  if (npm.error) throw npm.error;
  if (npm.status !== 0) throw new Error(`npm ci ended with ${npm.status}: ${`${npm.stdout}${npm.stderr}`.trim().slice(-2000)}`);
  writeFileSync(at('packages.stamp'), stamp);
}

async function main() {
  if (ready()) return;
  const start = Date.now();
  mkdirSync(cache, { recursive: true });
  await locked(async () => {
    if (ready()) return; // another process was faster
    rmSync(at('bed.stamp'), { force: true });
    step('copy', copySources);
    step('npm ci', install);
    const { build } = await import(pathToFileURL(at('lib', 'build.mjs')));
    await build(cache);
    writeFileSync(at('bed.stamp'), bedStamp);
    process.stderr.write(`chain bed: ready in ${((Date.now() - start) / 1000).toFixed(1)} s\n`);
  });
}

// A signal must run the exit handlers, which end anvil.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

try {
  await main();
} catch (e) {
  process.stderr.write(`chain bed: ${e.message}\n`);
  process.exitCode = 1;
}
