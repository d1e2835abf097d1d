import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVALID, type Occurrence, occurrenceOf } from '../../../src/collectors/event/occurrence.ts';
import { EventTally } from '../../../src/collectors/event/tally.ts';
import type { EventObject } from '../../../src/kube/event.ts';

const tallyOf = (options: Partial<ConstructorParameters<typeof EventTally>[0]> = {}) =>
  new EventTally({ maxSeries: 5000, withComponent: false, handsOver: true, wants: () => true, ...options });

const occurrence = (count: number, other: Partial<Occurrence> = {}): Occurrence => ({
  ...{ type: 'Warning', namespace: 'shop', kind: 'Pod', reason: 'BackOff', component: 'kubelet' },
  ...{ count, lastSeconds: 1000 + count },
  ...other,
});

const about = (version: number, uid = 'u', createdSeconds = 1000) => ({ uid, version, createdSeconds });

function totals(tally: EventTally): Record<string, number> {
  tally.advance();
  return Object.fromEntries(tally.series.map(({ reason, count }) => [reason, count]));
}

/** A tally that leads from the start and has listed nothing. */
function leading(options: Parameters<typeof tallyOf>[0] = {}): EventTally {
  const tally = tallyOf(options);
  tally.listed();
  tally.begin(undefined);
  return tally;
}

test('repeats are counted by the difference of their counts, and nothing twice', () => {
  const tally = leading();
  assert.equal(tally.upsert('shop/a', about(1), occurrence(1)), 'counted');
  assert.equal(tally.upsert('shop/a', about(2), occurrence(5)), 'counted');
  assert.equal(tally.upsert('shop/a', about(3), occurrence(5)), 'old', 'a relist, or another change');
  assert.equal(tally.upsert('shop/a', about(4), occurrence(3)), 'old', 'a count that falls');
  assert.equal(tally.upsert('shop/a', about(5), occurrence(4)), 'counted');
  assert.equal(tally.upsert('shop/b', about(6), occurrence(2)), 'counted');
  assert.deepEqual(totals(tally), { BackOff: 8 });
  assert.equal(tally.upsert('shop/a', about(7, 'another'), occurrence(2)), 'counted', 'another event of this name');
  tally.remove('shop/b');
  assert.equal(tally.remembered, 1);
  assert.deepEqual(totals(tally), { BackOff: 10 });
});

test('a new leader counts what the previous one had not pushed, each occurrence once', () => {
  const standby = tallyOf();
  standby.upsert('shop/old', about(10), occurrence(7));
  standby.listed();
  for (const count of [1, 2, 3]) standby.upsert('shop/a', about(10 + count), occurrence(count));
  assert.deepEqual(totals(standby), {}, 'a standby has no series');
  standby.pushed({ version: 11, seconds: 1001 });
  standby.begin({ version: 12, seconds: 1002 });
  assert.deepEqual(totals(standby), { BackOff: 1 });
  standby.end();
  assert.deepEqual(totals(standby), {});
  // It leads again: the leader in between had pushed one more.
  standby.upsert('shop/a', about(20), occurrence(4));
  standby.upsert('shop/a', about(21), occurrence(6));
  standby.begin({ version: 20, seconds: 1004 });
  assert.deepEqual(totals(standby), { BackOff: 2 });
});

test('a process that has just started counts occurrences since the last push, as far as the events show them', () => {
  const tally = tallyOf();
  tally.upsert('shop/before', about(5), occurrence(9));
  tally.upsert('shop/repeated', about(15, 'r', 1000), occurrence(9, { reason: 'Repeated' }));
  tally.upsert('shop/new', about(16, 'n', 2005), occurrence(3, { reason: 'New' }));
  tally.listed();
  tally.begin({ version: 10, seconds: 2000 });
  assert.deepEqual(totals(tally), { Repeated: 1, New: 3 });
});

test('the first leader counts no events from before its start', () => {
  const tally = tallyOf();
  tally.begin(undefined);
  assert.equal(tally.upsert('shop/old', about(5), occurrence(9)), 'old');
  tally.listed();
  tally.upsert('shop/old', about(6), occurrence(10));
  assert.deepEqual(totals(tally), { BackOff: 1 });
});

test('the counters are constant between two pushes, and the next push includes the events in between', () => {
  const tally = leading();
  tally.upsert('shop/a', about(1), occurrence(2));
  assert.deepEqual(tally.series, []);
  assert.deepEqual(tally.advance(), { version: 1, seconds: 1002 });
  tally.upsert('shop/a', about(2), occurrence(5));
  assert.deepEqual(
    tally.series.map(({ count, lastSeconds }) => [count, lastSeconds]),
    [[2, 1002]],
  );
  assert.deepEqual(totals(tally), { BackOff: 5 });
});

test('series over the limit are counted with the reason __other__, and never lost', () => {
  const tally = leading({ maxSeries: 20 });
  for (let index = 0; index < 100; index++) {
    tally.upsert(
      `n/${index}`,
      about(index, `u${index}`),
      occurrence(1, { reason: `R${index}`, namespace: `n${index}` }),
    );
  }
  tally.advance();
  const { series } = tally;
  assert.ok(series.length <= 20, `${series.length}`);
  assert.equal(
    series.reduce((sum, { count }) => sum + count, 0),
    100,
  );
  assert.ok(series.some(({ reason }) => reason === '__other__'));
});

const BAD: readonly (readonly [what: string, event: EventObject, expected: Partial<Occurrence>])[] = [
  ['an empty object', {}, { type: '', namespace: '', kind: '', reason: INVALID, count: 1, lastSeconds: undefined }],
  ['count 0', { reason: 'A', count: 0 }, { count: 1 }],
  ['a negative count', { reason: 'A', count: -3 }, { count: 1 }],
  ['a fraction', { reason: 'A', count: 1.5 }, { count: 1 }],
  ['a reason with blanks', { reason: 'Not a reason' }, { reason: INVALID }],
  ['a reason of 10 KB', { reason: 'x'.repeat(10_240) }, { reason: INVALID }],
  [
    'a series',
    { reason: 'A', count: 1, series: { count: 6, lastObservedTime: '1970-01-01T00:00:09.5Z' } },
    { count: 6, lastSeconds: 9.5 },
  ],
  [
    'of events.k8s.io',
    { reason: 'A', regarding: { kind: 'Node' }, deprecatedCount: 4, reportingController: 'example.com/x' },
    { kind: 'Node', count: 4, component: 'example.com/x' },
  ],
  [
    'of the old recorder, seen through events.k8s.io',
    { deprecatedLastTimestamp: '1970-01-01T00:00:07Z', eventTime: null, deprecatedSource: { component: 'kubelet' } },
    { lastSeconds: 7, component: 'kubelet' },
  ],
  ['no time', { reason: 'A', count: 2, metadata: {} }, { count: 2, lastSeconds: undefined }],
  ['an object without anything', { reason: 'A', involvedObject: {} }, { namespace: '', kind: '' }],
  [
    'an object of 10 KB and with blanks',
    { involvedObject: { kind: 'no kind', namespace: 'x'.repeat(10_240) } },
    { kind: INVALID, namespace: INVALID },
  ],
  ['a count beyond any number', { reason: 'A', count: 1e300 }, { count: 1 }],
  [
    'with no other time than its creation',
    { reason: 'A', metadata: { creationTimestamp: '1970-01-01T00:01:00Z' } },
    { lastSeconds: 60 },
  ],
  ['an invalid time', { reason: 'A', lastTimestamp: 'soon', eventTime: '1970-01-01T00:00:02Z' }, { lastSeconds: 2 }],
];

for (const [what, event, expected] of BAD) {
  test(`an event with ${what}`, () => {
    const found: Readonly<Record<string, unknown>> = { ...occurrenceOf(event) };
    for (const [field, value] of Object.entries(expected)) assert.deepEqual(found[field], value, field);
  });
}
