import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createLog } from '../../../src/base/log.ts';
import { ClusterState } from '../../../src/collectors/ksm/cluster-state.ts';
import { readCustomResources } from '../../../src/collectors/ksm/custom/file.ts';
import { parseCustomResources } from '../../../src/collectors/ksm/custom/resource.ts';
import { createKsm } from '../../../src/collectors/ksm/index.ts';
import { ksmOptions } from '../../../src/collectors/ksm/options.ts';
import { PodIndex } from '../../../src/collectors/ksm/pod-index.ts';
import type { Resource } from '../../../src/collectors/ksm/resource.ts';
import { resources } from '../../../src/collectors/ksm/resources/index.ts';
import { ksmSection } from '../../../src/collectors/ksm/section.ts';
import { followSeries } from '../../../src/collectors/ksm/self-samples.ts';
import { AgentRegistry } from '../../../src/metrics/registry.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { type FakeApiServer, recorded, startFakeApi } from '../../kit/fake-api-server.ts';
import { fastTiming } from '../../kit/fast-timing.ts';
import { fixture, scratchFolder } from '../../kit/host-tree.ts';
import { samplesOf } from '../../kit/samples.ts';
import { clientOf, eventually, PODS, pod } from '../../kube/follow.ts';

const OPTIONS = { timeout: 120_000 };
const DEPLOYMENTS = '/apis/apps/v1/deployments';
const FOREVER = { times: Number.POSITIVE_INFINITY };

const silent = createLog('fatal', { write() {} });
const builtIn = (...names: string[]) => resources.filter(({ name }) => names.includes(name));

/** A state of these resources; `clock.ms` is its time, and delays are short. */
function stateOf(
  context: TestContext,
  server: FakeApiServer,
  followed: readonly Resource[],
  more: { readonly namespaces?: readonly string[] } = {},
) {
  const lines: string[] = [];
  const clock = { ms: 1_000_000 };
  const state = new ClusterState({
    api: clientOf(context, server).client,
    options: ksmOptions.parse(more),
    resources: followed,
    pods: new PodIndex(),
    compression: 'gzip',
    log: createLog('info', { write: (line) => lines.push(line) }),
    timing: fastTiming({ wallMs: () => clock.ms }),
  });
  context.after(() => state.stop());
  const row = (resource: string) => state.statuses.find((status) => status.resource === resource);
  const up = () => {
    const out = new Snapshot();
    followSeries(state)(out);
    return new Map(out.keys.map((key, index) => [key, out.values[index]]));
  };
  return { state, lines, clock, row, up };
}

test(
  'with one resource refused or failing: not ready, its row says why; ready when it was listed, also later',
  OPTIONS,
  async (t) => {
    for (const status of [401, 403, 500]) {
      const server = await startFakeApi(t);
      server.cluster.put(PODS, pod('a'));
      server.cluster.collection(DEPLOYMENTS, 'Deployment', 'apps/v1');
      server.fail('list', { status, body: recorded('api/pods-403.txt') }, { path: PODS, ...FOREVER });
      const { state, row, up } = stateOf(t, server, builtIn('pods', 'deployments'));
      assert.equal(state.unready.length, 2);
      state.start();
      await eventually(() => row('pods')?.state === 'down' && row('deployments')?.state === 'followed', 'the rows');
      assert.match(row('pods')?.error ?? '', new RegExp(`${status} `));
      assert.ok((row('pods')?.nextTryMs ?? 0) > 1_000_000);
      assert.match(state.unready.join(), new RegExp(`^ksm\\.pods: .*${status}`));
      assert.match(state.down ?? '', /^pods: /);
      assert.equal(up().get('firesteel_ksm_resource_up{resource="pods"}'), 0);
      server.heal();
      await eventually(() => row('pods')?.state === 'followed', 'the pods');
      assert.deepEqual([state.unready, state.down, row('pods')?.objects], [[], undefined, 1]);
      await server.stop();
      await eventually(() => row('pods')?.state === 'down', 'the outage');
      assert.deepEqual(state.unready, [], 'a later outage does not remove readiness');
      assert.equal(row('pods')?.objects, 1);
    }
  },
);

test(
  'with one resource slow: not ready, its row says so, and it holds the others back for a minute only',
  OPTIONS,
  async (t) => {
    const server = await startFakeApi(t);
    server.cluster.put(PODS, pod('a'));
    server.cluster.collection(DEPLOYMENTS, 'Deployment', 'apps/v1');
    server.fail('list', 'silence', { path: DEPLOYMENTS, ...FOREVER });
    const { state, clock, row, up } = stateOf(t, server, builtIn('pods', 'deployments'));
    state.start();
    await eventually(() => row('pods')?.state === 'followed', 'the pods');
    assert.equal(row('deployments')?.state, 'listing');
    assert.deepEqual(state.unready, ['ksm.deployments: not listed yet, 0 objects so far']);
    assert.equal(up().get('firesteel_ksm_resource_up{resource="deployments"}'), 0);
    const signal = AbortSignal.timeout(60_000);
    assert.equal(await state.text(signal), undefined);
    clock.ms += 61_000;
    assert.ok(((await state.text(signal))?.samples ?? 0) > 0);
  },
);

test('what following a resource costs, and what failed, are metrics', OPTIONS, async (t) => {
  const server = await startFakeApi(t);
  server.cluster.put(PODS, pod('a'));
  const { state, clock, up } = stateOf(t, server, builtIn('pods'));
  state.start();
  await eventually(() => server.watches.size === 1, 'the watch');
  const text = await textOf(state);
  const of = (name: string) => up().get(`${name}{resource="pods"}`);
  assert.equal(of('firesteel_ksm_objects'), 1);
  assert.equal(of('firesteel_ksm_shards'), 1);
  // Without the header lines.
  assert.equal(of('firesteel_ksm_text_bytes'), Buffer.byteLength(text.replaceAll(/^#.*\n/gm, '')));
  assert.ok((of('firesteel_ksm_compressed_bytes') ?? Number.NaN) < text.length);
  assert.equal(of('firesteel_ksm_last_event_timestamp_seconds'), undefined, 'no event yet');
  const counts = [1, 2].map((restartCount) => ({ name: 'same', restartCount }));
  server.cluster.put(PODS, pod('odd', { status: { containerStatuses: counts } }));
  await eventually(() => of('firesteel_ksm_objects') === 2, 'the second pod');
  assert.equal(of('firesteel_ksm_last_event_timestamp_seconds'), clock.ms / 1000);
  await textOf(state);
  assert.equal(of('firesteel_ksm_object_errors_total'), 1, 'two values of one series');
  server.watch.raw('{"type":"ADDED","obj\n');
  await eventually(() => of('firesteel_ksm_decode_errors_total') === 1, 'the damaged event');
});

test('an API server that is down: nothing is ready, and one log line says so', OPTIONS, async (t) => {
  const server = await startFakeApi(t);
  const { state, lines, row } = stateOf(t, server, resources);
  await server.stop();
  state.start();
  await eventually(() => state.statuses.every((status) => status.state === 'down'), 'all down');
  assert.equal(state.unready.length, resources.length);
  assert.match(row('pods')?.error ?? '', /ECONNREFUSED/);
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines[0] ?? '', /stack/);
});

test('a resource that the server does not have is not an error, and is followed once it exists', OPTIONS, async (t) => {
  const server = await startFakeApi(t);
  server.cluster.put(PODS, pod('a'));
  const { state, lines, row, up } = stateOf(t, server, builtIn('pods', 'mutatingadmissionpolicies'));
  state.start();
  await eventually(() => row('mutatingadmissionpolicies')?.state === 'not-served', 'the row');
  await eventually(() => row('pods')?.state === 'followed', 'the pods');
  assert.deepEqual([state.unready, state.down], [[], undefined]);
  assert.equal(up().has('firesteel_ksm_resource_up{resource="mutatingadmissionpolicies"}'), false);
  assert.ok(lines.every((line) => JSON.parse(line).level === 'info'));
  const [policy] = builtIn('mutatingadmissionpolicies');
  assert.ok(policy);
  server.cluster.collection(`/apis/${policy.apiVersion}/${policy.name}`, policy.kind, policy.apiVersion);
  await eventually(() => row('mutatingadmissionpolicies')?.state === 'followed', 'the new resource');
});

const custom = (group: string, kind: string, version = 'v1', metric = 'resource_info') => `
  - groupVersionKind: { group: ${group}, version: "${version}", kind: ${kind} }
    metricNamePrefix: gotk
    metrics:
    - name: ${metric}
      help: State.
      each: { type: Info, info: { labelsFromPath: { name: [metadata, name] } } }`;
const customFile = (...entries: string[]) =>
  `kind: CustomResourceStateMetrics\nspec:\n  resources:${entries.join('')}\n`;
const WIDGETS = '/apis/acme.io/v1/widgets';
const widget = (namespace: string, name: string) => {
  const object = { metadata: { namespace, name }, spec: { n: 1, tier: 'gold' } };
  return object;
};

/** The text of the next push. */
async function textOf(state: ClusterState): Promise<string> {
  const prepared = await state.text(AbortSignal.timeout(60_000));
  return (prepared?.members ?? []).map((member) => gunzipSync(member).toString()).join('');
}

test('series of a custom resource end some time after its CRD is deleted', OPTIONS, async (t) => {
  const server = await startFakeApi(t);
  server.cluster.collection(WIDGETS, 'Widget', 'acme.io/v1');
  server.cluster.put(WIDGETS, widget('a', 'w'));
  const file = readFileSync(fixture('reports/crd-gone-stale/cr.yaml'), 'utf8');
  const { state, clock, row } = stateOf(t, server, parseCustomResources(file));
  state.start();
  await eventually(() => row('widgets.acme.io')?.objects === 1, 'the widget');
  await eventually(() => server.watches.size === 1, 'the watch');
  server.cluster.collections.delete(WIDGETS);
  server.watch.reset();
  await eventually(() => row('widgets.acme.io')?.state === 'not-served', 'the end of the collection');
  clock.ms += 299_000;
  const asked = server.requests.length;
  await eventually(() => server.requests.length > asked + 3, 'further attempts');
  assert.match(await textOf(state), /name="w"/);
  clock.ms += 2_000;
  await eventually(() => row('widgets.acme.io')?.objects === 0, 'the end of the series');
  assert.doesNotMatch(await textOf(state), /name="w"/);
  server.cluster.collection(WIDGETS, 'Widget', 'acme.io/v1');
  server.cluster.put(WIDGETS, widget('a', 'again'));
  await eventually(() => row('widgets.acme.io')?.objects === 1, 'the restored collection');
  assert.match(await textOf(state), /name="again"/);
});

test('kinds, groups and versions with the same metric have one TYPE, in the push and by metric', OPTIONS, async (t) => {
  const server = await startFakeApi(t);
  const kinds = [
    ['a.io', 'Alpha', 'v1'],
    ['b.io', 'Alpha', 'v1'],
    ['b.io', 'Alpha', 'v2'],
    ['b.io', 'Beta', 'v1'],
  ] as const;
  for (const [group, kind, version] of kinds) {
    const path = `/apis/${group}/${version}/${kind.toLowerCase()}s`;
    server.cluster.collection(path, kind, `${group}/${version}`);
    server.cluster.put(path, { metadata: { namespace: 'a', name: 'same' } });
  }
  const followed = parseCustomResources(
    customFile(...kinds.map(([group, kind, version]) => custom(group, kind, version))),
  );
  const { state } = stateOf(t, server, followed);
  state.start();
  await eventually(() => state.statuses.every(({ objects }) => objects === 1), 'all objects');
  let byFamily = '';
  for await (const piece of state.byFamily()) byFamily += piece.toString();
  for (const text of [await textOf(state), byFamily]) {
    assert.equal(text.match(/^# TYPE gotk_resource_info /gm)?.length, 1);
    assert.equal(samplesOf(text).size, 4);
  }
});

test(
  'configured namespaces apply to custom resources; cluster-scoped ones are followed completely',
  OPTIONS,
  async (t) => {
    const server = await startFakeApi(t);
    server.cluster.collection(WIDGETS, 'Widget', 'acme.io/v1');
    server.cluster.put(WIDGETS, { metadata: { namespace: 'team-a', name: 'mine' } });
    server.cluster.put(WIDGETS, { metadata: { namespace: 'team-b', name: 'other' } });
    const planets = server.cluster.collection('/apis/acme.io/v1/planets', 'Planet', 'acme.io/v1');
    planets.namespaced = false;
    server.cluster.put('/apis/acme.io/v1/planets', { metadata: { name: 'earth' } });
    const followed = parseCustomResources(
      customFile(custom('acme.io', 'Widget'), custom('acme.io', 'Planet', 'v1', 'planet')),
    );
    const { state, row } = stateOf(t, server, followed, { namespaces: ['team-a', 'team-c'] });
    state.start();
    await eventually(() => row('planets.acme.io')?.objects === 1 && row('widgets.acme.io')?.objects === 1, 'both');
    await eventually(() => state.settled, 'all lists');
    const text = await textOf(state);
    assert.match(text, /name="mine"/);
    assert.match(text, /name="earth"/);
    assert.ok(server.requests.filter(({ path }) => path === WIDGETS).every(({ namespace }) => namespace !== undefined));
  },
);

test('with permissions for one namespace its custom resources are listed there', OPTIONS, async (t) => {
  const server = await startFakeApi(t);
  server.cluster.collection(WIDGETS, 'Widget', 'acme.io/v1');
  server.cluster.put(WIDGETS, widget('team-a', 'mine'));
  const file = readFileSync(fixture('reports/cr-namespaced-role/cr.yaml'), 'utf8');
  const { state, row } = stateOf(t, server, parseCustomResources(file), { namespaces: ['team-a'] });
  state.start();
  await eventually(() => row('widgets.acme.io')?.objects === 1, 'the widget');
  assert.deepEqual(state.unready, []);
  const lists = server.requests.filter(({ kind }) => kind === 'list');
  assert.ok(lists.length > 0 && lists.every(({ namespace }) => namespace === 'team-a'));
});

test('version "*" is the preferred version of the API server', OPTIONS, async (t) => {
  const server = await startFakeApi(t);
  const { state, row } = stateOf(t, server, parseCustomResources(customFile(custom('acme.io', 'Widget', '*'))));
  state.start();
  await eventually(() => row('widgets.acme.io')?.state === 'not-served', 'the row');
  assert.deepEqual(state.unready, []);
  server.cluster.collection(WIDGETS, 'Widget', 'acme.io/v1');
  server.cluster.put(WIDGETS, { metadata: { namespace: 'a', name: 'w' } });
  await eventually(() => row('widgets.acme.io')?.objects === 1, 'the widget');
  assert.match(await textOf(state), /customresource_version="v1"/);
});

test('an invalid file of custom resources loses these and fails the collector', OPTIONS, async (t) => {
  const server = await startFakeApi(t);
  server.cluster.put(PODS, pod('a'));
  const file = join(scratchFolder(t), 'custom.yaml');
  const broken = { 'not: [yaml': /custom\.yaml: .*line/, 'kind: Other': /custom\.yaml: kind/ };
  for (const [text, message] of Object.entries(broken)) {
    writeFileSync(file, text);
    const section = ksmSection.parse({ enabled: true, resources: ['pods'], customResourceStateFile: file });
    assert.match(readCustomResources(section).problems.join(), message);
    const { client } = clientOf(t, server);
    const ksm = createKsm(section, client, { compression: 'gzip' }, silent, '1');
    t.after(() => ksm.state.stop());
    ksm.state.start();
    await eventually(() => ksm.state.unready.length === 0, 'the pods');
    const registry = new AgentRegistry();
    for (const producer of ksm.producers) registry.addProducer(producer);
    const { results, groups } = await registry.gather(10_000);
    for (const { outcome, reason, samples } of results) {
      assert.equal(outcome, 'fault');
      assert.match(reason ?? '', message);
      assert.ok(samples > 0, 'its objects remain');
    }
    const reported = (groups.get('agent') ?? []).flatMap(({ keys, values }) =>
      keys.map((key, index) => [key, values[index]]),
    );
    assert.ok(reported.some(([key, value]) => /collector_success.*"ksm"/.test(String(key)) && value === 0));
  }
});
