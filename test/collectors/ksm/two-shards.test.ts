import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { createLog } from '../../../src/base/log.ts';
import { ClusterState } from '../../../src/collectors/ksm/cluster-state.ts';
import { parseCustomResources } from '../../../src/collectors/ksm/custom/resource.ts';
import { ksmOptions } from '../../../src/collectors/ksm/options.ts';
import { PodIndex } from '../../../src/collectors/ksm/pod-index.ts';
import { resourcePath } from '../../../src/collectors/ksm/resource.ts';
import { shardOf } from '../../../src/collectors/ksm/shard-of.ts';
import { type FakeApiServer, startFakeApi } from '../../kit/fake-api-server.ts';
import { fastTiming } from '../../kit/fast-timing.ts';
import { clientOf, eventually } from '../../kube/follow.ts';
import { resourceNamed } from './kit.ts';

const SHARDS = [0, 1] as const;
const custom = parseCustomResources(`
spec:
  resources:
  - groupVersionKind: {group: myteam.io, kind: Foo, version: v1}
    labelsFromPath: {name: [metadata, name]}
    metrics: [{name: size, each: {type: Gauge, gauge: {path: [spec, replicas]}}}]
`);
// A resource whose labels have the uid, one whose labels do not, and a custom resource.
const followed = [resourceNamed('pods'), resourceNamed('deployments'), ...custom];
const [PODS = '', ...OTHERS] = followed.map((resource) => resourcePath(resource));

/** A uid of an object of this shard. */
function uidIn(shard: number, prefix: string): string {
  for (let index = 0; ; index++)
    if (shardOf(`${prefix}-${index}`, SHARDS.length) === shard) return `${prefix}-${index}`;
}

/** Puts an object of each resource under the same name. */
function putAll({ cluster }: FakeApiServer, uid: string, replicas: number): void {
  const metadata = { namespace: 'shop', name: 'web', uid };
  for (const path of [PODS, ...OTHERS])
    cluster.put(path, { metadata, spec: { nodeName: 'node1', replicas } } as object);
}

/** The state of each shard, once everything is watched. */
async function followBoth(context: TestContext, server: FakeApiServer) {
  const shards = SHARDS.map((shard) => {
    const pods = new PodIndex();
    const state = new ClusterState({
      api: clientOf(context, server).client,
      options: ksmOptions.parse({ shard, totalShards: SHARDS.length }),
      resources: followed,
      pods,
      compression: 'gzip',
      log: createLog('fatal', { write() {} }),
      timing: fastTiming(),
    });
    context.after(() => state.stop());
    state.start();
    return { state, pods };
  });
  await eventually(() => server.watches.size === SHARDS.length * followed.length, 'all watches');
  return shards;
}

/** The samples that would be pushed. */
async function linesOf(state: ClusterState): Promise<string[]> {
  const { members } = (await state.text(new AbortController().signal)) ?? { members: [] };
  const text = members.length === 0 ? '' : gunzipSync(Buffer.concat(members)).toString();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const isCustom = (line: string) => line.startsWith('kube_customresource_');

const values = (lines: readonly string[]): string[] =>
  lines.filter((line) => /^(?:kube_pod_info|kube_deployment_spec_replicas|kube_customresource_size)\{/.test(line));

/** Breaks all watches with 410, so that what follows is found by a list. */
function expire(server: FakeApiServer): void {
  const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
  for (const watch of server.watches) watch.send('ERROR', gone);
}

const GAPS: readonly (readonly [title: string, replace: (server: FakeApiServer, uid: string) => void])[] = [
  [
    'deleted and recreated between a watch and a list',
    (server, uid) => {
      expire(server);
      for (const path of [PODS, ...OTHERS]) server.cluster.remove(path, 'shop/web');
      putAll(server, uid, 3);
    },
  ],
  [
    'deleted and recreated between a bookmark and a list',
    (server, uid) => {
      server.bookmark();
      expire(server);
      putAll(server, uid, 3);
    },
  ],
  ['shown with another uid by a watch event', (server, uid) => putAll(server, uid, 3)],
];

for (const [title, replace] of GAPS) {
  test(`an object ${title} leaves the shard of its old uid`, { timeout: 120_000 }, async (context) => {
    const server = await startFakeApi(context);
    for (const { kind, apiVersion, ...more } of followed) {
      server.cluster.collection(resourcePath({ apiVersion, ...more }), kind, apiVersion);
    }
    const [oldUid, newUid] = [uidIn(0, 'old'), uidIn(1, 'new')];
    putAll(server, oldUid, 1);
    const [first, second] = await followBoth(context, server);
    assert.ok(first && second);
    const builtIn = async ({ state }: typeof first) => (await linesOf(state)).filter((line) => !isCustom(line));
    const pushed = async () => values((await Promise.all([first, second].map(({ state }) => linesOf(state)))).flat());
    assert.equal(values(await builtIn(first)).length, 2);
    assert.deepEqual(await builtIn(second), []);
    assert.equal((await pushed()).length, followed.length);
    replace(server, newUid);
    const isNew = (lines: readonly string[]) => lines.every((line) => line.includes(newUid) || line.endsWith(' 3'));
    const deadline = Date.now() + 60_000;
    while (!(isNew(await pushed()) && (await pushed()).length === followed.length) && Date.now() < deadline) {
      await setTimeout(2);
    }
    assert.deepEqual(await builtIn(first), []);
    assert.equal(values(await builtIn(second)).length, 2);
    const all = await pushed();
    assert.ok(isNew(all), all.join('\n'));
    assert.equal(all.length, followed.length);
    // The index of pods is complete in each shard.
    for (const { pods } of [first, second]) assert.equal(pods.pods, 1);
  });
}

test('two custom objects with equal series, whose uids are of different shards, are one series, and reported', {
  timeout: 120_000,
}, async (context) => {
  const server = await startFakeApi(context);
  for (const { kind, apiVersion, ...more } of followed) {
    server.cluster.collection(resourcePath({ apiVersion, ...more }), kind, apiVersion);
  }
  const [, path = ''] = OTHERS;
  for (const shard of SHARDS) {
    const metadata = { namespace: `team-${shard}`, name: 'web', uid: uidIn(shard, 'own') };
    server.cluster.put(path, { metadata, spec: { replicas: shard } } as object);
  }
  const shards = await followBoth(context, server);
  const lines = (await Promise.all(shards.map(({ state }) => linesOf(state)))).flat();
  assert.deepEqual(lines.filter(isCustom).length, 1);
  const refused = shards.flatMap(({ state }) => state.followed.flatMap(({ claims }) => claims?.refused ?? []));
  assert.deepEqual(
    refused.map(({ object, holder }) => [object, holder]),
    [['team-1/web', 'team-0/web']],
  );
});
