// Contracts: ours compiled with solc (kept by the hash of their sources), the rest with the bytecode of @chainlink/abi.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ethers } from 'ethers';

const packages = createRequire(import.meta.url);
const folderOf = (name) => dirname(packages.resolve(`${name}/package.json`));

const MULTICALL3 = '@chainlink/contracts/src/v0.8/vendor/multicall/ebd8b64/src/Multicall3.sol';
const SETTINGS = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: 'paris',
  metadata: { bytecodeHash: 'none' },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
};
const PREBUILT = {
  EACAggregatorProxy: 'v0.6/EACAggregatorProxy.json',
  FluxAggregator: 'v0.6/FluxAggregator.json',
  LinkToken: 'v0.4/LinkToken.json',
  MockV3Aggregator: 'v0.6/tests/MockV3Aggregator.json',
  SimpleReadAccessController: 'v0.6/SimpleReadAccessController.json',
};

/** name → { bytecode, deployed, abi: ethers.Interface } */
export function contracts(cache) {
  const all = {};
  for (const [name, file] of Object.entries(PREBUILT)) {
    const { abi, bytecode } = JSON.parse(readFileSync(join(folderOf('@chainlink/abi'), file)));
    all[name] = { abi: new ethers.Interface(abi), bytecode };
  }
  for (const [name, built] of Object.entries(ours(cache))) {
    all[name] = { ...built, abi: new ethers.Interface(built.abi) };
  }
  return all;
}

function ours(cache) {
  const folder = join(cache, 'contracts');
  const sources = Object.fromEntries(
    readdirSync(folder).sort().map((name) => [name, { content: readFileSync(join(folder, name), 'utf8') }]),
  );
  sources[MULTICALL3] = { content: readImport(MULTICALL3) };
  const input = JSON.stringify({ language: 'Solidity', sources, settings: SETTINGS });
  const kept = join(cache, `contracts-${createHash('sha256').update(input).digest('hex').slice(0, 16)}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept));
  const built = compile(input);
  writeFileSync(kept, JSON.stringify(built));
  return built;
}

function compile(input) {
  const solc = packages('solc-0.8.19');
  const output = JSON.parse(solc.compile(input, { import: (path) => ({ contents: readImport(path) }) }));
  const errors = (output.errors ?? []).filter((e) => e.severity === 'error');
  if (errors.length) throw new Error(`solc: ${errors.map((e) => e.formattedMessage).join('\n')}`);
  const built = {};
  for (const file of Object.values(output.contracts)) {
    for (const [name, { abi, evm }] of Object.entries(file)) {
      if (!evm.bytecode.object) continue; // interfaces and abstract contracts
      built[name] = { abi, bytecode: `0x${evm.bytecode.object}`, deployed: `0x${evm.deployedBytecode.object}` };
    }
  }
  return built;
}

/** `@scope/package/path` → the text of that file; the packages need not export it. */
function readImport(path) {
  const [, name, rest] = path.match(/^(@[^/]+\/[^/]+)\/(.+)$/) ?? [];
  if (!name) throw new Error(`import of an unknown form: ${path}`);
  return readFileSync(join(folderOf(name), rest), 'utf8');
}
