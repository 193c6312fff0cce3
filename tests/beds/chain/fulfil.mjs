#!/usr/bin/env node
// Fulfils a randomness request with a real proof, or asks the real coordinator whether it would let the oracle do so:
//   node fulfil.mjs --rpc URL --request ID [--coordinator ADDRESS] [--simulate] [--gas-price WEI] [--gas LIMIT]
// Prints one line of JSON; ends with 0 if the answer is `ok`, with 1 if the coordinator refuses, else with 2.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const cache = resolve(process.env.IRA_BED_CACHE || join(here, '..', '..', '..', 'target', 'beds', 'chain'));
// The copy of `lib` in the cache finds the packages there; bed.mjs keeps it fresh.
const load = (name) => import(pathToFileURL(join(cache, 'lib', name)));

function rpcOf(url) {
  let id = 0;
  return async (method, ...params) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params });
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { error, result } = await response.json();
    if (error) throw Object.assign(new Error(`${method}: ${error.message}`), { data: error.data });
    return result;
  };
}

try {
  const { values } = parseArgs({
    options: {
      rpc: { type: 'string' },
      request: { type: 'string' },
      coordinator: { type: 'string' },
      simulate: { type: 'boolean', default: false },
      'gas-price': { type: 'string' },
      gas: { type: 'string' },
    },
  });
  if (!values.rpc || !values.request) throw new Error('--rpc URL and --request ID are needed');
  const number = (name) => (values[name] === undefined ? undefined : BigInt(values[name]));
  const [{ contracts }, { fulfil }] = await Promise.all([load('compile.mjs'), load('fulfil.mjs')]);
  const options = { coordinator: values.coordinator, simulate: values.simulate, gasPrice: number('gas-price'), gas: number('gas') };
  const result = await fulfil(rpcOf(values.rpc), contracts(cache), BigInt(values.request), options);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = result.ok ? 0 : 1;
} catch (e) {
  process.stdout.write(`${JSON.stringify({ ok: false, error: e.message })}\n`);
  process.exitCode = 2;
}
