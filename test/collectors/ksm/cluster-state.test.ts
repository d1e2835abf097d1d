import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { createLog } from '../../../src/base/log.ts';
import { ClusterState } from '../../../src/collectors/ksm/cluster-state.ts';
import { ksmOptions } from '../../../src/collectors/ksm/options.ts';
import { PodIndex } from '../../../src/collectors/ksm/pod-index.ts';
import { renderersOf } from '../../../src/collectors/ksm/renderers.ts';
import { resourcePath } from '../../../src/collectors/ksm/resource.ts';
import { resources } from '../../../src/collectors/ksm/resources/index.ts';
import { followSeries } from '../../../src/collectors/ksm/self-samples.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import type { ReflectorTiming } from '../../../src/kube/retry.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { type FakeApiServer, recorded, startFakeApi } from '../../kit/fake-api-server.ts';
import type { FakeWatch } from '../../kit/fake-watch.ts';
import { fastTiming } from '../../kit/fast-timing.ts';
import { loadRecordedCluster } from '../../kit/recorded-cluster.ts';
import { clientOf, eventually, PODS } from '../../kube/follow.ts';

const OPTIONS = { timeout: 120_000 };
const DEPLOYMENTS = '/apis/apps/v1/deployments';
const ALL = resources.map(({ name }) => name);
const options = ksmOptions.parse({ resources: ALL, metricOptInList: ['.'], labelsAllowlist: { '*': ['*'] } });

/** A fake API server with the recorded cluster, and a state that follows all of it. */
async function recordedState(context: TestContext, timing: Partial<ReflectorTiming> = {}) {
  const server = await startFakeApi(context);
  loadRecordedCluster(server.cluster);
  for (const { kind, apiVersion, ...resource } of resources) {
    server.cluster.collection(resourcePath({ apiVersion, ...resource }), kind, apiVersion);
  }
  const { client, kubeconfig } = clientOf(context, server);
  const state = new ClusterState({
    api: client,
    options,
    resources,
    pods: new PodIndex(),
    compression: 'gzip',
    log: createLog('fatal', { write() {} }),
    timing: fastTiming(timing),
  });
  context.after(() => state.stop());
  return { server, state, kubeconfig };
}

const sortedLines = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .sort();

/** The samples of a fresh list of everything. */
function listedLines({ cluster }: FakeApiServer): string[] {
  const texts = renderersOf(resources, options).flatMap((renderer) => {
    const { objects } = cluster.collection(resourcePath(renderer.resource));
    return [...objects.values()].map((object) => renderer.render(object).text);
  });
  return sortedLines(texts.join(''));
}

/** The samples that would be pushed. */
async function pushedLines(state: ClusterState): Promise<string[]> {
  const { members } = (await state.text(new AbortController().signal)) ?? { members: [] };
  return members.length === 0 ? [] : sortedLines(gunzipSync(Buffer.concat(members)).toString());
}

/** Waits until the push equals a fresh list; otherwise shows the difference. */
async function untilEqual(state: ClusterState, server: FakeApiServer): Promise<void> {
  const expected = listedLines(server);
  const deadline = Date.now() + 60_000;
  let pushed = await pushedLines(state);
  while (pushed.join() !== expected.join() && Date.now() < deadline) {
    await setTimeout(5);
    pushed = await pushedLines(state);
  }
  assert.deepEqual(pushed, expected);
}

/** An object of the recorded cluster. */
function recordedObject({ cluster }: FakeApiServer, path: string, key: string): KubeObject {
  const object = cluster.collection(path).objects.get(key);
  if (object === undefined) throw new Error(`${key} is not in ${path}`);
  return object;
}

const renamed = (object: KubeObject, name: string): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, name, uid: `uid-of-${name}` },
});

/** Changes of every kind in two resources. */
function change(server: FakeApiServer): void {
  const { cluster } = server;
  cluster.put(PODS, renamed(recordedObject(server, PODS, 'shop/db-0'), 'db-1'));
  cluster.put(PODS, { ...recordedObject(server, PODS, 'default/oom'), status: { phase: 'Failed' } } as KubeObject);
  cluster.remove(PODS, 'default/crash');
  cluster.put(DEPLOYMENTS, { ...recordedObject(server, DEPLOYMENTS, 'shop/web'), spec: {} } as KubeObject);
}

const watchesOf = ({ watches }: FakeApiServer, path: string): FakeWatch[] =>
  [...watches].filter((watch) => watch.path === path);

const podWatch = (server: FakeApiServer): FakeWatch => {
  const [watch] = watchesOf(server, PODS);
  if (watch === undefined) throw new Error('there is no watch of the pods');
  return watch;
};

/** How often the pods have been listed completely. */
const podLists = ({ followed }: ClusterState): number | undefined =>
  followed.find(({ resource }) => resource.name === 'pods')?.reflectors[0]?.stats.lists.success;

const GONE = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 1 (1054)' };
const UNAVAILABLE = { status: 503, body: 'apiserver is shutting down' };

interface Fault {
  readonly title: string;
  /** Plans faults of the first lists. */
  readonly before?: (server: FakeApiServer) => void;
  /** Breaks the watches; the cluster changes right after it. */
  readonly breakIt?: (server: FakeApiServer, kubeconfig: string) => void;
  /** Total number of complete lists of the pods; 1 means resumed. */
  readonly podLists: number;
  readonly timing?: Partial<ReflectorTiming>;
}

const FAULTS: readonly Fault[] = [
  {
    title: 'a first list that gets 410',
    before: (server) => server.fail('list', { status: 410, body: JSON.stringify(GONE) }, { path: PODS }),
    podLists: 1,
  },
  {
    title: 'a list whose second page gets 410',
    before(server) {
      const pod = recordedObject(server, PODS, 'shop/db-0');
      for (let index = 0; index < 600; index++) server.cluster.put(PODS, renamed(pod, `db-${index + 100}`));
      server.failContinue({ status: 410, body: recorded('api/expired-continue.txt') });
    },
    podLists: 1,
  },
  {
    title: '503 to everything for a while, from the start',
    before: (server) => server.fail('list', UNAVAILABLE, { times: 200 }),
    podLists: 1,
  },
  { title: 'a 410 in the watch', breakIt: (server) => podWatch(server).send('ERROR', GONE), podLists: 2 },
  {
    title: 'a resumed watch that gets 410',
    breakIt(server) {
      server.fail('watch', { status: 410, body: JSON.stringify(GONE) }, { path: PODS });
      podWatch(server).end();
    },
    podLists: 2,
  },
  {
    title: 'a connection reset in the middle of a line',
    breakIt: (server) => podWatch(server).cutNext(),
    podLists: 1,
  },
  {
    title: 'all connections reset simultaneously',
    breakIt({ watches }) {
      for (const watch of watches) watch.reset();
    },
    podLists: 1,
  },
  {
    title: '503 to every watch for a while',
    breakIt(server) {
      server.fail('watch', UNAVAILABLE, { times: 200 });
      for (const watch of server.watches) watch.end();
    },
    podLists: 1,
  },
  {
    title: 'half-open connections',
    breakIt({ watches }) {
      for (const watch of watches) watch.freeze();
    },
    podLists: 1,
    timing: { idleMs: 100 },
  },
  {
    title: '401 until the token is renewed',
    breakIt(server, kubeconfig) {
      server.tokens = new Set(['renewed']);
      for (const watch of server.watches) watch.reset();
      // Only after the old token was refused.
      const refused = server.requests.length + 20;
      const renew = () => writeFileSync(kubeconfig, server.kubeconfig('renewed'));
      void eventually(() => server.requests.length > refused, 'requests with the old token').then(renew);
    },
    podLists: 1,
  },
];

for (const { title, before, breakIt, podLists: expected, timing } of FAULTS) {
  test(`the push equals a fresh list after ${title}`, OPTIONS, async (context) => {
    const { server, state, kubeconfig } = await recordedState(context, timing);
    before?.(server);
    state.start();
    await untilEqual(state, server);
    await eventually(() => server.watches.size === resources.length, 'all watches');
    breakIt?.(server, kubeconfig);
    change(server);
    await untilEqual(state, server);
    server.cluster.remove(PODS, 'default/oom');
    await untilEqual(state, server);
    assert.equal(podLists(state), expected);
  });
}

test(
  'an unchanged state is the same text in each push, and another one after each change',
  OPTIONS,
  async (context) => {
    const { server, state } = await recordedState(context);
    const { signal } = new AbortController();
    state.start();
    await untilEqual(state, server);
    let last = await state.text(signal);
    // Members move next to each other after some payloads, which is another text.
    for (let push = 0; push < 40; push++) last = await state.text(signal);
    assert.equal(await state.text(signal), last);
    server.cluster.remove(PODS, 'default/crash');
    await untilEqual(state, server);
    assert.notEqual(await state.text(signal), last);
    last = await state.text(signal);
    server.cluster.put(DEPLOYMENTS, { ...recordedObject(server, DEPLOYMENTS, 'shop/web'), spec: {} } as KubeObject);
    await untilEqual(state, server);
    assert.notEqual(await state.text(signal), last);
  },
);

/** The values of one of the collector's self metrics, by resource. */
function selfValues(state: ClusterState, name: string): Map<string, number> {
  const out = new Snapshot();
  followSeries(state)(out);
  const ofFamily = out.keys.flatMap((key, index) => {
    const resource = new RegExp(`^${name}\\{resource="([^"]+)"\\}$`).exec(key)?.[1];
    return resource === undefined ? [] : [[resource, out.values[index] ?? Number.NaN] as const];
  });
  return new Map(ofFamily);
}

test('a resource whose access is denied shows as down and does not hold back the others', OPTIONS, async (context) => {
  const { server, state } = await recordedState(context);
  server.fail('list', { status: 403, body: recorded('api/pods-403.txt') }, { times: 1e6, path: DEPLOYMENTS });
  state.start();
  await eventually(() => state.settled, 'all the others');
  const withoutDeployments = listedLines(server).filter((line) => !line.startsWith('kube_deployment_'));
  assert.deepEqual(await pushedLines(state), withoutDeployments);
  const up = selfValues(state, 'firesteel_ksm_resource_up');
  assert.equal(up.size, resources.length);
  assert.deepEqual(
    [...up].filter(([, value]) => value !== 1),
    [['deployments', 0]],
  );
  change(server);
  server.heal();
  await untilEqual(state, server);
  await eventually(() => selfValues(state, 'firesteel_ksm_resource_up').get('deployments') === 1, 'it to be up');
});

test('nothing is pushed before everything was listed, unless a list hangs for a minute', OPTIONS, async (context) => {
  let now = 0;
  const { server, state } = await recordedState(context, { wallMs: () => now });
  server.fail('list', 'silence', { path: DEPLOYMENTS });
  state.start();
  await eventually(() => server.watches.size === resources.length - 1, 'all but one');
  assert.deepEqual(await pushedLines(state), []);
  now = 60_000;
  const withoutDeployments = listedLines(server).filter((line) => !line.startsWith('kube_deployment_'));
  assert.deepEqual(await pushedLines(state), withoutDeployments);
});
