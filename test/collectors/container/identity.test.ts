import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { createLog } from '../../../src/base/log.ts';
import { NO_LABELS, type PodInfo, podInfo } from '../../../src/kube/pod-info.ts';
import { IdentityClient } from '../../../src/pods/client.ts';
import type { IdentitySource } from '../../../src/pods/source.ts';
import { Timeline } from '../../kit/timeline.ts';

const REFRESH_MS = 15_000;

/** A pod with one container, whose id is that of the pod and `-c`. */
const pod = (uid: string, annotations = {}): PodInfo =>
  podInfo(
    {
      metadata: { namespace: 'shop', name: `pod-${uid}`, uid, annotations },
      spec: { containers: [{ name: 'main' }] },
      status: { containerStatuses: [{ name: 'main', containerID: `containerd://${uid}-c` }] },
    },
    NO_LABELS,
  );

/** A client in virtual time, with its source. */
function clientOf() {
  const timeline = new Timeline();
  const registry = new Registry();
  const lines: string[] = [];
  const state: { pods: PodInfo[] | undefined; error?: Error | undefined; asked: number[] } = {
    pods: [pod('a')],
    asked: [],
  };
  const source: IdentitySource = {
    name: 'state',
    async pods() {
      state.asked.push(timeline.now);
      if (state.error) throw state.error;
      return state.pods;
    },
    close: () => undefined,
  };
  const client = new IdentityClient(source, REFRESH_MS, {
    log: createLog('info', { write: (line: string) => void lines.push(JSON.parse(line).msg) }),
    registry,
    monotonicMs: () => timeline.now,
    random: () => 0.5,
    sleep: (ms, signal) => timeline.sleep(ms, signal),
  });
  return { timeline, registry, lines, state, client };
}

test('a cgroup is named by the id of its container, else by the uid of its pod, else by its config hash', async () => {
  const { timeline, state, client } = clientOf();
  state.pods = [pod('a'), pod('mirror', { 'kubernetes.io/config.hash': '8fae0d1b' })];
  client.start();
  await timeline.run(0);
  const named = (id: string, uid: string) => {
    const found = client.find(id, uid);
    return found && [found.pod.name, found.container?.name];
  };
  assert.deepEqual(named('a-c', 'a'), ['pod-a', 'main']);
  assert.deepEqual(named('a-c', 'whatever'), ['pod-a', 'main']);
  assert.deepEqual(named('sandbox', 'a'), ['pod-a', undefined]);
  assert.deepEqual(named('mirror-c', '8fae0d1b'), ['pod-mirror', 'main']);
  assert.deepEqual(named('other', '8fae0d1b'), ['pod-mirror', undefined]);
  assert.equal(client.findPod('8fae0d1b')?.pod.uid, 'mirror');
  assert.equal(named('nobody', 'nowhere'), undefined);
});

test('the source is queried every 15 s', async () => {
  const { timeline, state, client } = clientOf();
  client.start();
  await timeline.run(50_000);
  assert.deepEqual(state.asked, [0, 15_000, 30_000, 45_000]);
});

test('an unknown container is queried immediately, but at most once a second', async () => {
  const { timeline, state, client } = clientOf();
  client.start();
  await timeline.run(5000);
  state.pods = [pod('a'), pod('new')];
  assert.equal(client.find('new-c', 'new'), undefined);
  await timeline.run(0);
  assert.deepEqual(state.asked, [0, 5000]);
  assert.equal(client.find('new-c', 'new')?.container?.name, 'main');
  assert.equal(client.find('newer-c', 'newer'), undefined);
  assert.equal(client.find('newest-c', 'newest'), undefined);
  await timeline.run(900);
  assert.deepEqual(state.asked, [0, 5000]);
  await timeline.run(100);
  assert.deepEqual(state.asked, [0, 5000, 6000]);
});

test('a container that no source will ever list does not cause endless queries', async () => {
  const { timeline, state, client } = clientOf();
  client.start();
  await timeline.run(0);
  for (let cycle = 0; cycle < 20; cycle++) {
    client.find('sandbox', 'a');
    await timeline.run(2000);
  }
  assert.equal(state.asked.length, 1 + 4 + 2);
  // Nor do millions of such ids take memory: after a while the oldest are requested again, without further effects.
  for (let id = 0; id < 10_000; id++) client.find(`sandbox-${id}`, 'a');
});

test('the last response is used while the source is down, and its age grows', async () => {
  const { timeline, registry, lines, state, client } = clientOf();
  client.start();
  await timeline.run(0);
  state.error = new Error('connection refused');
  await timeline.run(60_000);
  assert.equal(client.find('a-c', 'a')?.pod.name, 'pod-a');
  assert.equal(client.ageSeconds, 60);
  const text = await registry.metrics();
  assert.match(text, /^firesteel_identity_age_seconds\{source="state"\} 60$/m);
  assert.match(text, /^firesteel_identity_pods\{source="state"\} 1$/m);
  assert.match(text, /^firesteel_identity_refreshes_total\{source="state",result="error"\} 4$/m);
  state.error = undefined;
  await timeline.run(15_000);
  assert.equal(client.ageSeconds, 0);
  assert.deepEqual(lines, ['pod source unavailable; using the last known pods', 'pod source recovered']);
});

test('unknown containers trigger ever fewer queries of a source that is down', async () => {
  const { timeline, state, client } = clientOf();
  state.error = new Error('connection refused');
  client.start();
  for (let time = 0; time < 300; time++) {
    client.find(`id-${time}`, 'x');
    await timeline.run(100);
  }
  assert.deepEqual(state.asked, [0, 2000, 6000, 14_000, 29_000]);
});

test('an unchanged response keeps the names and renews their age', async () => {
  const { timeline, registry, state, client } = clientOf();
  client.start();
  await timeline.run(0);
  state.pods = undefined;
  await timeline.run(15_000);
  assert.equal(client.find('a-c', 'a')?.pod.name, 'pod-a');
  assert.equal(client.ageSeconds, 0);
  assert.match(await registry.metrics(), /result="unchanged"\} 1$/m);
});

test('a deleted pod is forgotten', async () => {
  const { timeline, state, client } = clientOf();
  client.start();
  await timeline.run(0);
  state.pods = [];
  await timeline.run(15_000);
  assert.equal(client.find('a-c', 'a'), undefined);
});

test('stopping ends all queries', async () => {
  const { timeline, state, client } = clientOf();
  client.start();
  await timeline.run(0);
  await client.stop();
  client.find('unknown', 'x');
  await timeline.run(60_000);
  assert.equal(state.asked.length, 1);
});
