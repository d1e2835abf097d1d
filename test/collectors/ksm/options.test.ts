import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowedOf, parseAllowlist } from '../../../src/collectors/ksm/allowlist.ts';
import { familyFilter } from '../../../src/collectors/ksm/family-filter.ts';
import { ksmOptions, namespaceFilter } from '../../../src/collectors/ksm/options.ts';
import { resources } from '../../../src/collectors/ksm/resources/index.ts';
import { resourceNamed } from './kit.ts';

const map = { app: 'a', 'example.com/team': 't', 'example.com/tier': 'x', other: 'o' };

const lists: readonly (readonly [keys: readonly string[], allowed: readonly string[]])[] = [
  [['*'], Object.keys(map)],
  [['*', 'app'], Object.keys(map)],
  [['app', '*'], ['app']],
  [['app', 'missing'], ['app']],
  [['example.com/*'], ['example.com/team', 'example.com/tier']],
  [
    ['*/team', 'other'],
    ['example.com/team', 'other'],
  ],
  [['example.com/t*m'], ['example.com/team']],
];

for (const [keys, allowed] of lists) {
  test(`the allowlist [${keys}] picks ${allowed.join(', ')}`, () => {
    assert.deepEqual(Object.keys(allowedOf({ pods: keys }, 'pods')?.(map) ?? {}), allowed);
  });
}

test('a resource without its own allowlist uses that of *', () => {
  assert.equal(allowedOf({ nodes: ['*'] }, 'pods'), undefined);
  assert.deepEqual(allowedOf({ nodes: ['*'], '*': ['app'] }, 'pods')?.(map), { app: 'a' });
  assert.deepEqual(allowedOf({ pods: ['other'], '*': ['app'] }, 'pods')?.(map), { app: 'a', other: 'o' });
  assert.equal(allowedOf({}, 'constructor'), undefined);
});

test("kube-state-metrics' flag grammar is understood", () => {
  assert.deepEqual(parseAllowlist('=pods=[a,b.c/d-*],nodes=[*], *=[x]'), {
    pods: ['a', 'b.c/d-*'],
    nodes: ['*'],
    '*': ['x'],
  });
  assert.throws(() => parseAllowlist('pods=[a],nodes=[*'), /at "nodes=\[\*"/);
  assert.throws(() => parseAllowlist('pods=[a*b*c]'), /more than one \*/);
  assert.throws(() => parseAllowlist('pods=[]'), /must not be empty/);
});

test('patterns match anywhere in the name; opt-in metrics must be enabled', () => {
  const pods = resourceNamed('pods').families;
  const exposed = (patterns: Partial<Parameters<typeof familyFilter>[0]>) =>
    pods
      .filter(familyFilter({ metricAllowlist: [], metricDenylist: [], metricOptInList: [], ...patterns }))
      .map(({ family }) => family.name);
  assert.deepEqual(exposed({ metricAllowlist: ['_overhead_'] }), [
    'kube_pod_overhead_cpu_cores',
    'kube_pod_overhead_memory_bytes',
  ]);
  assert.deepEqual(exposed({ metricAllowlist: ['^kube_pod_info$'] }), ['kube_pod_info']);
  assert.equal(exposed({}).length, pods.length - 1);
  assert.equal(exposed({ metricOptInList: ['nodeselectors'] }).length, pods.length);
  assert.ok(!exposed({ metricDenylist: ['^kube_pod_status'] }).some((name) => name.startsWith('kube_pod_status')));
  assert.deepEqual(exposed({ metricAllowlist: ['^kube_pod_(?!container|init|status|spec)i'] }), [
    'kube_pod_info',
    'kube_pod_ips',
  ]);
});

test('by default everything that kube-state-metrics watches is watched, except secrets and configmaps', () => {
  const options = ksmOptions.parse({});
  assert.ok(options.resources.includes('pods'));
  for (const name of ['secrets', 'configmaps', 'endpoints', 'roles'])
    assert.ok(!options.resources.includes(name), name);
  const names = (some: typeof resources) => some.map(({ name }) => name);
  assert.deepEqual(options.resources, names(resources.filter(({ enabled }) => enabled)));
  assert.deepEqual(ksmOptions.parse({ resources: names(resources) }).resources, names(resources));
});

const wrong: readonly (readonly [input: object, message: RegExp])[] = [
  [{ resources: ['pod'] }, /resources/],
  [{ metricAllowlist: ['('] }, /invalid regular expression "\("/],
  [{ metricAllowlist: ['^(?!x)(?:[a-z_]+_?)+!$'] }, /timed out/],
  [{ metricAllowlist: ['a'], metricDenylist: ['b'] }, /mutually exclusive/],
  [{ labelsAllowlist: { pod: ['*'] } }, /pod/],
  [{ labelsAllowlist: { pods: ['a*b*'] } }, /more than one \*/],
  [{ shard: 2, totalShards: 2 }, /less than totalShards/],
  [{ namespace: ['a'] }, /namespace/],
];

for (const [input, message] of wrong) {
  test(`${JSON.stringify(input)} is refused`, () => {
    assert.match(JSON.stringify(ksmOptions.safeParse(input).error?.issues ?? []).replaceAll('\\"', '"'), message);
  });
}

test('namespaces are those allowed and not denied; cluster-scoped objects are always exposed', () => {
  const wanted = (namespaces: string[], namespacesDenylist: string[]) =>
    ['', 'a', 'b', 'c'].filter(namespaceFilter({ namespaces, namespacesDenylist }));
  assert.deepEqual(wanted([], []), ['', 'a', 'b', 'c']);
  assert.deepEqual(wanted(['a', 'b'], []), ['', 'a', 'b']);
  assert.deepEqual(wanted(['a', 'b'], ['b']), ['', 'a']);
  assert.deepEqual(wanted([], ['b']), ['', 'a', 'c']);
});

test('items with commas are lists, also in allowlists; a comma inside brackets is a pattern’s', () => {
  const given = {
    namespaces: ['a, b', 'c'],
    namespacesDenylist: ['d,e,'],
    metricAllowlist: ['kube_pod_.{1,3}x,kube_node_[a,b]', 'kube_(job|a,b)_.*'],
    labelsAllowlist: { pods: ['app, team', 'x-*'] },
  };
  const { namespaces, namespacesDenylist, metricAllowlist, labelsAllowlist } = ksmOptions.parse(given);
  assert.deepEqual(namespaces, ['a', 'b', 'c']);
  assert.deepEqual(namespacesDenylist, ['d', 'e']);
  assert.deepEqual(metricAllowlist, ['kube_pod_.{1,3}x', 'kube_node_[a,b]', 'kube_(job|a,b)_.*']);
  assert.deepEqual(labelsAllowlist, { pods: ['app', 'team', 'x-*'] });
});
