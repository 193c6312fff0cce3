// A local anvil: start, talk to it, dump it, end it by its own process id.
import { spawn } from 'node:child_process';
import http from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const packages = createRequire(import.meta.url);
const anvilBin = join(dirname(packages.resolve('@foundry-rs/anvil-linux-amd64/package.json')), 'bin', 'anvil');

const START_LIMIT_MS = 20_000;
/** Anvil refuses bodies over about 2 MB. */
const BATCH_LIMIT_CHARS = 1_000_000;

/** Starts anvil on a loopback port of its own choice, so that no two runs can meet. */
export async function startAnvil(args) {
  const child = spawn(anvilBin, ['--host', '127.0.0.1', '--port', '0', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const port = await listeningPort(child);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const rpc = makeRpc(port, agent);
  const stop = async () => {
    process.off('exit', endWithUs);
    agent.destroy();
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await ended;
  };
  return { rpc, stop };
}

function listeningPort(child) {
  return new Promise((found, failed) => {
    let seen = '';
    const fail = (why) => {
      child.kill('SIGKILL');
      failed(new Error(`anvil did not start: ${why}; it said: ${seen.slice(-500)}`));
    };
    const timer = setTimeout(() => fail(`nothing heard in ${START_LIMIT_MS} ms`), START_LIMIT_MS);
    const read = (chunk) => {
      seen += chunk;
      const port = seen.match(/Listening on 127\.0\.0\.1:(\d+)/)?.[1];
      if (!port) return;
      clearTimeout(timer);
      // Both pipes must go on being read, or anvil blocks when they are full.
      for (const pipe of [child.stdout, child.stderr]) pipe.removeAllListeners('data').resume();
      child.removeListener('exit', exited);
      found(Number(port));
    };
    const exited = (code) => {
      clearTimeout(timer);
      fail(`exit ${code}`);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', exited);
    child.once('error', (e) => fail(e.message));
  });
}

function makeRpc(port, agent) {
  let id = 0;
  const post = (payload) =>
    new Promise((done, failed) => {
      const body = JSON.stringify(payload);
      const request = http.request(
        { host: '127.0.0.1', port, agent, method: 'POST', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } },
        (response) => {
          const parts = [];
          response.on('data', (part) => parts.push(part));
          response.on('end', () => {
            const text = Buffer.concat(parts).toString();
            try {
              done(JSON.parse(text));
            } catch {
              failed(new Error(`anvil answered HTTP ${response.statusCode}: ${text.slice(0, 200)}`));
            }
          });
        },
      );
      request.on('error', failed);
      request.end(body);
    });
  const envelope = ([method, ...params]) => ({ jsonrpc: '2.0', id: ++id, method, params });
  const result = (answer, [method]) => {
    if (answer.error) throw Object.assign(new Error(`${method}: ${answer.error.message}`), { data: answer.error.data });
    return answer.result;
  };
  const rpc = async (...call) => result(await post(envelope(call)), call);
  /** Many calls in few requests. Anvil works on the calls of one batch in no fixed order. */
  rpc.batch = async (calls) => {
    const results = [];
    for (const chunk of chunks(calls)) {
      const sent = chunk.map(envelope);
      const byId = new Map((await post(sent)).map((answer) => [answer.id, answer]));
      sent.forEach((call, i) => results.push(result(byId.get(call.id), chunk[i])));
    }
    return results;
  };
  return rpc;
}

function* chunks(calls) {
  let chunk = [];
  let size = 0;
  for (const call of calls) {
    const length = JSON.stringify(call).length;
    if (size + length > BATCH_LIMIT_CHARS || chunk.length === 500) {
      yield chunk;
      chunk = [];
      size = 0;
    }
    chunk.push(call);
    size += length;
  }
  if (chunk.length) yield chunk;
}

/**
 * The state in the form that `anvil --load-state` reads: the RPC gives it gzipped, the flag wants plain JSON.
 * Traces of transactions that succeeded are left out: nobody asks for them, and without them it loads faster.
 * `change` gives the state to be written instead.
 */
export async function dumpState(rpc, change = (state) => state) {
  const state = JSON.parse(gunzipSync(Buffer.from((await rpc('anvil_dumpState')).slice(2), 'hex')));
  for (const { info } of state.transactions) if (info.exit !== 'Revert') info.traces = [];
  return JSON.stringify(change(state));
}
