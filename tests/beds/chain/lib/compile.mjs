// Contracts: ours compiled with solc (kept by the hash of their sources), the rest with the bytecode of @chainlink/abi.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ethers } from 'ethers';

const packages = createRequire(import.meta.url);
const folderOf = (name) => dirname(packages.resolve(`${name}/package.json`));

const MULTICALL3 = '@chainlink/contracts/src/v0.8/vendor/multicall/ebd8b64/src/Multicall3.sol';
const VRF = '@chainlink/contracts/src/v0.8/vrf';
/** Contracts of the registry that come as sources alone: each with the compiler and the settings of its deployments. */
const FROM_SOURCE = [
  { solc: 'solc-0.8.19', runs: 500, evmVersion: 'paris', sources: { VRFCoordinatorV2_5: `${VRF}/dev/VRFCoordinatorV2_5.sol` } },
  { solc: 'solc-0.8.6', runs: 1000, evmVersion: 'berlin', sources: { VRFCoordinatorV2: `${VRF}/VRFCoordinatorV2.sol` } },
  {
    solc: 'solc-0.8.19',
    runs: 200,
    evmVersion: 'paris',
    sources: {
      BlockhashStore: `${VRF}/dev/BlockhashStore.sol`,
      BatchBlockhashStore: `${VRF}/BatchBlockhashStore.sol`,
      VRFCoordinatorV2PlusUpgradedVersion: `${VRF}/dev/testhelpers/VRFCoordinatorV2PlusUpgradedVersion.sol`,
      VRFV2PlusConsumerExample: `${VRF}/dev/testhelpers/VRFV2PlusConsumerExample.sol`,
      VRFV2PlusRevertingExample: `${VRF}/dev/testhelpers/VRFV2PlusRevertingExample.sol`,
      VRFConsumerV2: `${VRF}/testhelpers/VRFConsumerV2.sol`,
      VRFV2RevertingExample: `${VRF}/testhelpers/VRFV2RevertingExample.sol`,
    },
  },
];
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
  const built = [ours(cache), ...FROM_SOURCE.map((group) => fromSource(cache, group))];
  for (const [name, { abi, ...code }] of built.flatMap(Object.entries)) {
    all[name] = { ...code, abi: new ethers.Interface(abi) };
  }
  return all;
}

function ours(cache) {
  const folder = join(cache, 'contracts');
  const sources = Object.fromEntries(
    readdirSync(folder).sort().map((name) => [name, { content: readFileSync(join(folder, name), 'utf8') }]),
  );
  sources[MULTICALL3] = { content: readImport(MULTICALL3) };
  return compiled(cache, 'solc-0.8.19', { sources, runs: 200, evmVersion: 'paris', wanted: { '*': ['*'] } });
}

function fromSource(cache, { solc, runs, evmVersion, sources: paths }) {
  const sources = Object.fromEntries(Object.values(paths).map((path) => [path, { content: readImport(path) }]));
  const wanted = Object.fromEntries(Object.entries(paths).map(([name, path]) => [path, [name]]));
  return compiled(cache, solc, { sources, runs, evmVersion, wanted });
}

/** name → { abi, bytecode, deployed }, from the cache where the same input was compiled before. */
function compiled(cache, solc, { sources, runs, evmVersion, wanted }) {
  const fields = ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'];
  const select = (names) => Object.fromEntries(names.map((name) => [name, fields]));
  const settings = {
    optimizer: { enabled: true, runs },
    evmVersion,
    metadata: { bytecodeHash: 'none' },
    outputSelection: Object.fromEntries(Object.entries(wanted).map(([path, names]) => [path, select(names)])),
  };
  const input = JSON.stringify({ language: 'Solidity', sources, settings });
  const sum = createHash('sha256').update(solc).update(input).digest('hex').slice(0, 16);
  const kept = join(cache, `contracts-${sum}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept));
  const built = compile(solc, input);
  writeFileSync(kept, JSON.stringify(built));
  return built;
}

function compile(solc, input) {
  const compiler = packages(solc);
  const output = JSON.parse(compiler.compile(input, { import: (path) => ({ contents: readImport(path) }) }));
  const errors = (output.errors ?? []).filter((e) => e.severity === 'error');
  if (errors.length) throw new Error(`${solc}: ${errors.map((e) => e.formattedMessage).join('\n')}`);
  const built = {};
  for (const file of Object.values(output.contracts)) {
    for (const [name, { abi, evm }] of Object.entries(file)) {
      if (!evm?.bytecode?.object) continue; // interfaces and abstract contracts
      built[name] = { abi, bytecode: `0x${evm.bytecode.object}`, deployed: `0x${evm.deployedBytecode.object}` };
    }
  }
  return built;
}

/** `@scope/package/path` → the text of that file; the packages need not export it. */
function readImport(path) {
  // OpenZeppelin is imported as `@openzeppelin/contracts@1.2.3/…` and installed as `@openzeppelin/contracts-1.2.3`.
  const [, name, rest] = path.replace('/contracts@', '/contracts-').match(/^(@[^/]+\/[^/]+)\/(.+)$/) ?? [];
  if (!name) throw new Error(`import of an unknown form: ${path}`);
  return readFileSync(join(folderOf(name), rest), 'utf8');
}
