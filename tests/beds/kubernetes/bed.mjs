// A Kubernetes control plane on loopback: real etcd, kube-apiserver and kube-controller-manager, with a stand-in for the
// scheduler and the kubelets of two nodes.
//   node bed.mjs BINARIES FOLDER
// Says one line of JSON when it is ready, and ends when its standard input does.
//
// What the kubelets make of a pod: an image with `bad` in its name cannot be pulled, one with `crash` ends again and again,
// as does any pod with the annotation `bed/sick`; every other one is ready at once. Logs and `exec` are real: the log is
// what the annotation `bed/log` says, and a command is run on this host.
import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createTcp } from 'node:net';
import https from 'node:https';
import path from 'node:path';

const [binaries, folder] = process.argv.slice(2);
const token = 'bed-admin';
const children = [];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createTcp().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const file = (name, text) => {
  const full = path.join(folder, name);
  writeFileSync(full, text, { mode: 0o600 });
  return full;
};

const start = (program, args) => {
  const name = path.basename(program);
  const log = openSync(path.join(folder, `${name}.log`), 'a');
  const child = spawn(program, args, { stdio: ['ignore', log, log] });
  child.on('exit', (code) => stop(`${name} ended with ${code}:\n${readFileSync(path.join(folder, `${name}.log`), 'utf8').slice(-4000)}`));
  children.push(child);
};

let stopping = false;
function stop(why) {
  if (stopping) return;
  stopping = true;
  for (const child of children) child.kill('SIGKILL');
  if (why) console.error(why);
  process.exit(why ? 1 : 0);
}
process.stdin.on('end', () => stop()).resume();
process.on('SIGTERM', () => stop());

const [etcd, peer, secure, kubelet] = [await freePort(), await freePort(), await freePort(), await freePort()];
mkdirSync(path.join(folder, 'certs'), { recursive: true });
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = file('sa.key', privateKey.export({ type: 'pkcs1', format: 'pem' }));
const pub = file('sa.pub', publicKey.export({ type: 'spki', format: 'pem' }));
const tokens = file('tokens.csv', `${token},admin,admin,"system:masters"\nbed-ira,ira,ira\n`);
const policy = file(
  'audit.yaml',
  'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n  users: [ira]\n- level: None\n',
);
const audit = path.join(folder, 'audit.log');

start('etcd', [
  `--data-dir=${path.join(folder, 'etcd')}`,
  `--listen-client-urls=http://127.0.0.1:${etcd}`,
  `--advertise-client-urls=http://127.0.0.1:${etcd}`,
  `--listen-peer-urls=http://127.0.0.1:${peer}`,
  `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
  `--initial-cluster=default=http://127.0.0.1:${peer}`,
  '--unsafe-no-fsync',
  '--log-level=error',
]);
start(path.join(binaries, 'kube-apiserver'), [
  `--etcd-servers=http://127.0.0.1:${etcd}`,
  `--secure-port=${secure}`,
  '--bind-address=127.0.0.1',
  '--advertise-address=192.0.2.1',
  '--endpoint-reconciler-type=none',
  `--cert-dir=${path.join(folder, 'certs')}`,
  '--service-cluster-ip-range=10.0.0.0/24',
  `--token-auth-file=${tokens}`,
  '--authorization-mode=RBAC',
  '--disable-admission-plugins=ServiceAccount',
  '--service-account-issuer=https://bed.test',
  `--service-account-key-file=${pub}`,
  `--service-account-signing-key-file=${key}`,
  '--kubelet-preferred-address-types=InternalIP',
  `--audit-policy-file=${policy}`,
  `--audit-log-path=${audit}`,
]);

const agent = new https.Agent({ rejectUnauthorized: false, keepAlive: true });
function call(method, where, body, content = 'application/json') {
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': content };
    const request = https.request({ host: '127.0.0.1', port: secure, path: where, method, headers, agent, timeout: 10_000 });
    request.on('error', reject).on('timeout', () => request.destroy(new Error('late')));
    request.on('response', (response) => {
      let all = '';
      response.on('data', (data) => (all += data));
      response.on('end', () => {
        try {
          resolve(JSON.parse(all));
        } catch {
          resolve({ code: response.statusCode, text: all });
        }
      });
    });
    request.end(text);
  });
}
const merge = (where, body) => call('PATCH', where, body, 'application/merge-patch+json');

for (let tries = 0; ; tries++) {
  const ready = await call('GET', '/readyz').catch(() => ({}));
  if (ready.text === 'ok') break;
  if (tries > 300) stop('the API server is not ready after a minute');
  await pause(200);
}

const ca = path.join(folder, 'certs', 'apiserver.crt');
const kubeconfig = (name, user) =>
  file(
    name,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'bed',
      contexts: [{ name: 'bed', context: { cluster: 'bed', user: 'one', namespace: 'shop' } }],
      clusters: [{ name: 'bed', cluster: { server: `https://127.0.0.1:${secure}`, 'certificate-authority': ca } }],
      users: [{ name: 'one', user: { token: user } }],
    }),
  );
const admin = kubeconfig('admin.json', token);
const ira = kubeconfig('ira.json', 'bed-ira');
start(path.join(binaries, 'kube-controller-manager'), [
  `--kubeconfig=${admin}`,
  '--controllers=deployment,replicaset,statefulset,daemonset,disruption,garbagecollector,podgc,nodelifecycle,namespace',
  '--leader-elect=false',
  '--secure-port=0',
  '--port=0',
  '--node-monitor-grace-period=10s',
  '--pod-eviction-timeout=1h',
]);

// What pods use is served by the API server itself, from objects of a definition of our own.
const used = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'pods.metrics.k8s.io', annotations: { 'api-approved.kubernetes.io': 'unapproved, a test bed' } },
  spec: {
    group: 'metrics.k8s.io',
    scope: 'Namespaced',
    names: { plural: 'pods', singular: 'podmetrics', kind: 'PodMetrics', listKind: 'PodMetricsList' },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', used);
await call('POST', '/api/v1/namespaces', { metadata: { name: 'shop' } });

// The kubelets' own server: logs, and commands.
const server = https.createServer(
  { cert: readFileSync(ca), key: readFileSync(path.join(folder, 'certs', 'apiserver.key')) },
  async (request, response) => {
    const url = new URL(request.url, 'https://kubelet');
    const [, what, namespace, pod] = url.pathname.split('/');
    if (what !== 'containerLogs') return response.writeHead(404).end();
    const object = await call('GET', `/api/v1/namespaces/${namespace}/pods/${pod}`);
    const lines = (object.metadata?.annotations?.['bed/log'] ?? 'started\nlistening\n').split('\n').filter(Boolean);
    const some = lines.slice(-Number(url.searchParams.get('tailLines') ?? lines.length));
    response.end(some.map((line) => `${url.searchParams.get('previous') === 'true' ? 'before: ' : ''}${line}\n`).join(''));
  },
);
server.on('upgrade', (request, socket) => {
  const url = new URL(request.url, 'https://kubelet');
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
      'Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n',
  );
  const send = (channel, data) => {
    const body = Buffer.concat([Buffer.from([channel]), Buffer.from(data)]);
    const head =
      body.length < 126 ? Buffer.from([0x82, body.length]) : Buffer.from([0x82, 126, body.length >> 8, body.length & 255]);
    if (!socket.destroyed) socket.write(Buffer.concat([head, body]));
  };
  const argv = url.searchParams.getAll('command');
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  const pieces = (channel) => (data) => {
    for (let at = 0; at < data.length; at += 4096) send(channel, data.subarray(at, at + 4096));
  };
  child.stdout.on('data', pieces(1));
  child.stderr.on('data', pieces(2));
  const end = (status) => {
    send(3, JSON.stringify(status));
    if (!socket.destroyed) socket.end(Buffer.from([0x88, 0]));
  };
  child.on('error', (error) => end({ status: 'Failure', message: String(error), reason: 'InternalError', code: 500 }));
  child.on('close', (code) =>
    end(
      code === 0
        ? { status: 'Success' }
        : {
            status: 'Failure',
            message: `command terminated with non-zero exit code: ${code}`,
            reason: 'NonZeroExitCode',
            details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
          },
    ),
  );
  socket.on('error', () => child.kill('SIGKILL'));
});
await new Promise((resolve) => server.listen(kubelet, '127.0.0.1', resolve));

const now = () => new Date().toISOString().replace(/\.\d+Z/, 'Z');
const nodes = ['n1', 'n2'];
const since = now();
for (const name of nodes) {
  await call('POST', '/api/v1/nodes', { metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec: {} });
  await merge(`/api/v1/nodes/${name}/status`, {
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubelet } },
      capacity: { cpu: '8', memory: '16Gi', pods: '110' },
      allocatable: { cpu: '8', memory: '16Gi', pods: '110' },
    },
  });
}

// A node with the annotation `bed/dead` says nothing any more.
async function heartbeats() {
  for (const node of (await call('GET', '/api/v1/nodes')).items ?? []) {
    const name = node.metadata.name;
    if (node.metadata.annotations?.['bed/dead']) continue;
    await merge(`/api/v1/nodes/${name}/status`, {
      status: {
        conditions: [
          { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now(), lastTransitionTime: since },
        ],
      },
    });
    const taints = (node.spec.taints ?? []).filter((taint) => taint.key.startsWith('node.kubernetes.io/not-ready'));
    if (taints.length) {
      const rest = node.spec.taints.filter((taint) => !taints.includes(taint));
      await merge(`/api/v1/nodes/${name}`, { spec: { taints: rest.length ? rest : null } });
    }
  }
}

/** Where a pod is to run: where its daemon set says, else where there is room and nobody forbids it. */
function place(pod, all, known) {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const bound = terms.flatMap((term) => term.matchFields ?? []).find((field) => field.key === 'metadata.name');
  if (bound) return bound.values[0];
  const count = (name) => all.filter((one) => one.spec.nodeName === name).length;
  const open = known.filter((node) => !node.spec.unschedulable).map((node) => node.metadata.name);
  return open.sort((a, b) => count(a) - count(b))[0];
}

const restarts = new Map();
let address = 0;
async function pods() {
  const known = (await call('GET', '/api/v1/nodes')).items ?? [];
  const all = (await call('GET', '/api/v1/pods')).items ?? [];
  for (const pod of all) {
    const { namespace, name, uid, deletionTimestamp, annotations = {} } = pod.metadata;
    const where = `/api/v1/namespaces/${namespace}/pods/${name}`;
    if (deletionTimestamp) {
      // A pod with this annotation never ends: its node does not say that it did.
      if (!annotations['bed/stuck']) await call('DELETE', `${where}?gracePeriodSeconds=0`);
      continue;
    }
    if (!pod.spec.nodeName) {
      const target = place(pod, all, known);
      if (!target) continue;
      await call('POST', `${where}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name },
        target: { apiVersion: 'v1', kind: 'Node', name: target },
      });
      pod.spec.nodeName = target;
      continue;
    }
    const images = pod.spec.containers.map((one) => one.image);
    const sick = annotations['bed/sick'] || images.some((image) => image.includes('crash'));
    const unpulled = images.some((image) => image.includes('bad'));
    const waiting = pod.status.containerStatuses?.[0]?.state?.waiting?.reason;
    const ready = pod.status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True');
    const status = (condition, one) => ({
      status: {
        phase: unpulled ? 'Pending' : 'Running',
        podIP: pod.status.podIP ?? `10.1.${address >> 8}.${address++ & 255 || 1}`,
        startTime: pod.status.startTime ?? now(),
        conditions: ['Ready', 'ContainersReady'].map((type) => ({ type, status: condition, lastTransitionTime: now() })),
        containerStatuses: pod.spec.containers.map((container) => ({
          name: container.name,
          image: container.image,
          imageID: 'x',
          containerID: 'bed://1',
          ...one,
        })),
      },
    });
    if (unpulled) {
      if (waiting) continue;
      await merge(
        `${where}/status`,
        status('False', { ready: false, restartCount: 0, state: { waiting: { reason: 'ImagePullBackOff' } } }),
      );
    } else if (sick) {
      const before = restarts.get(uid) ?? { count: 0, at: 0 };
      if (Date.now() - before.at < 3000) continue;
      restarts.set(uid, { count: before.count + 1, at: Date.now() });
      await merge(
        `${where}/status`,
        status('False', {
          ready: false,
          restartCount: before.count + 1,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 137, reason: 'OOMKilled', startedAt: now(), finishedAt: now() } },
        }),
      );
      await call('POST', `/api/v1/namespaces/${namespace}/events`, {
        metadata: { name: `${name}.${Date.now().toString(16)}` },
        involvedObject: { kind: 'Pod', namespace, name, uid },
        reason: 'BackOff',
        message: 'Back-off restarting failed container',
        type: 'Warning',
        count: before.count + 1,
        firstTimestamp: now(),
        lastTimestamp: now(),
        source: { component: 'kubelet' },
      });
    } else if (!ready) {
      await merge(`${where}/status`, status('True', { ready: true, restartCount: 0, state: { running: { startedAt: now() } } }));
    }
  }
}

const forever = async (work, ms) => {
  for (;;) {
    await work().catch(() => {});
    await pause(ms);
  }
};
await heartbeats();
forever(heartbeats, 2000);
forever(pods, 250);
console.log(JSON.stringify({ admin, ira, audit, server: `https://127.0.0.1:${secure}`, token, ca }));
