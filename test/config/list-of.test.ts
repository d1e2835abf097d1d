import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings } from '../../src/commands/settings.ts';
import { ConfigError } from '../../src/config/config-error.ts';

/** The value at `path` after loading a configuration with `value` there, and with `around`. */
function loaded(path: string, value: unknown, around: readonly string[] = []): unknown {
  const { config } = loadSettings({ node: 'n', set: [...around, `${path}=${JSON.stringify(value)}`] }, {});
  return path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], config);
}

const LOKI = ['exporters.it={"type":"loki","url":"http://loki:3100"}', 'spool.path=/spool'];

/** The lists of names of the configuration. */
const LISTS: readonly (readonly [path: string, around?: readonly string[]])[] = [
  ['collectors.ksm.namespaces'],
  ['collectors.ksm.namespacesDenylist'],
  ['collectors.ksm.podInfo.labels'],
  ['collectors.ksm.podInfo.annotations'],
  ['collectors.event.namespaces'],
  ['collectors.event.types'],
  ['collectors.event.reasons'],
  ['collectors.event.kinds'],
  ['collectors.journal.units'],
  ['logs.journal.units'],
  ['logs.journal.identifiers'],
  ['http.podInfoTokenReview.users'],
  ['http.podInfoTokenReview.audiences'],
  ['taskRunner.allowFromApi'],
  ['exporters.it.labels', LOKI],
  ['exporters.it.fields', LOKI],
];

for (const [path, around] of LISTS) {
  test(`items of ${path} with commas are lists, and a repeated item counts once`, () => {
    assert.deepEqual(loaded(path, ['a, b', 'c,', 'b'], around), ['a', 'b', 'c']);
    // An empty list often means everything.
    for (const nothing of ['', ',', ' , ']) assert.throws(() => loaded(path, [nothing], around), ConfigError);
  });
}

test('items of lists within lists with commas are lists too', () => {
  assert.deepEqual(loaded('logs.redact', [{ pattern: 'x', fields: ['user,token'] }]), [
    { ...(loaded('logs.redact', [{ pattern: 'x' }]) as object[])[0], fields: ['user', 'token'] },
  ]);
  const [pods] = loaded('scrape.pods', [{ name: 'it', namespaceSelector: { matchNames: ['a,b'] } }]) as [
    { readonly namespaceSelector: object },
  ];
  assert.deepEqual(pods.namespaceSelector, { matchNames: ['a', 'b'] });
  const values = { key: 'app', operator: 'In', values: ['a,b'] };
  assert.throws(
    () => loaded('scrape.pods', [{ name: 'it', selector: { matchExpressions: [values] } }]),
    /a label value has no commas: make it several items/,
  );
});

test('patterns for names of metrics are split, except at commas inside brackets, and each is checked', () => {
  const patterns = loaded('groups.node.metricAllowlist', ['up,node_cpu{1,2}', '(a,b)']) as readonly object[];
  assert.equal(patterns.length, 3);
  const refused = (path: string, value: readonly string[]) => assert.throws(() => loaded(path, value), ConfigError);
  const count = (text: string) => (loaded('groups.node.metricAllowlist', [text]) as readonly object[]).length;
  assert.equal(count('(a,(b|c))'), 1);
  assert.equal(count('a(b{1,2},(c,d))e,f((g),h),i'), 3);
  assert.equal(count('a[(,]b,[^{,]c'), 2);
  assert.equal(count('a\\(b,c\\),d'), 3);
  refused('groups.node.metricDenylist', ['up,(']);
  // Valid as a whole, invalid in parts.
  refused('collectors.ksm.metricDenylist', ['a\\,b']);
  assert.deepEqual(loaded('collectors.ksm.labelsAllowlist', { pods: ['a*,*b'] }), { pods: ['a*', '*b'] });
});

test('a length limit is that of each item, and the number of items that after splitting', () => {
  const names = Array.from({ length: 15 }, (_, index) => `l${index}`);
  assert.throws(() => loaded('exporters.it.labels', [names.join()], LOKI), ConfigError);
  assert.equal((loaded('exporters.it.labels', [names.slice(1).join()], LOKI) as object[]).length, 14);
  assert.throws(() => loaded('exporters.it.labels', ['x'.repeat(129)], LOKI), ConfigError);
});

test('paths of cgroups with commas are lists, and each is checked', () => {
  const path = 'collectors.container.slices';
  assert.deepEqual(loaded(path, ['/a, /b/*', '/c']), ['/a', '/b/*', '/c']);
  for (const wrong of ['/a,b', '/a/,/b', ',']) assert.throws(() => loaded(path, [wrong]), ConfigError);
});

test('the time to split an item is proportional to its length', () => {
  const began = performance.now();
  assert.deepEqual(loaded('collectors.journal.units', [`a${','.repeat(300_000)}b`]), ['a', 'b']);
  // A few milliseconds; with a search from each comma to the end, minutes.
  assert.ok(performance.now() - began < 60_000);
});
