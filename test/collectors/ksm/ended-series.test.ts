import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { EndedSeriesTracker } from '../../../src/collectors/ksm/store/ended-series.ts';
import { packingOf } from '../../../src/collectors/ksm/store/packing.ts';
import { ObjectStore } from '../../../src/collectors/ksm/store/store.ts';
import { TextArena } from '../../../src/collectors/ksm/store/text-arena.ts';
import { gauge } from '../../../src/metrics/family.ts';
import { randomFrom } from '../../kit/random.ts';

const FAMILIES = [gauge('kube_pod_info', 'Information.'), gauge('kube_pod_status_reason', 'Reason.')];

/** Lines of one pod: the given rows, with changing values. */
const textOf = (key: string, rows: readonly number[], value: number, filler = 0): string =>
  rows
    .map((row) => {
      const name = FAMILIES[row % 2]?.name;
      return `${name}{pod="${key}",note="größe ${row} ${'x'.repeat(filler)}"} ${value + row}\n`;
    })
    .join('');

const keysOf = (text: string): Set<string> =>
  new Set(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.slice(0, line.lastIndexOf(' '))),
  );

for (const seed of ['one', 'two', 'three']) {
  test(`series that are in the last text and not in this one have ended (seed ${seed})`, {
    timeout: 120_000,
  }, async () => {
    const random = randomFrom(seed);
    const ended = new EndedSeriesTracker(() => 0);
    const store = new ObjectStore(FAMILIES, packingOf('gzip'), new TextArena(), ended);
    const pushed = async () => {
      const { members } = await store.text();
      return keysOf(members.length === 0 ? '' : gunzipSync(Buffer.concat(members)).toString());
    };
    let before = new Set<string>();
    for (let round = 0; round < 60; round++) {
      // Large texts are rebuilt between two texts, as on a standby agent.
      const filler = random.chance(0.2) ? 20_000 : 0;
      for (let steps = random.below(400); steps > 0; steps--) {
        const key = `p${random.below(150)}`;
        if (random.chance(0.4)) store.delete(key);
        else {
          const rows = [0, 1, 2, 3, 4, 5].filter(() => random.chance(0.7));
          store.set(key, textOf(key, rows, random.below(3), filler));
        }
      }
      const now = await pushed();
      const endedKeys = new Set(ended.take().keys);
      for (const key of before) assert.ok(now.has(key) || endedKeys.has(key), `${key.slice(0, 80)} has not ended`);
      for (const key of endedKeys) assert.ok(!now.has(key), `${key.slice(0, 80)} still exists`);
      before = now;
    }
    assert.deepEqual(ended.take(), { keys: [], lost: 0 });
  });
}

test('a standby also tracks series that its own pushes never contained', async () => {
  let nowMs = 0;
  const ended = new EndedSeriesTracker(() => nowMs);
  const store = new ObjectStore(FAMILIES, packingOf('gzip'), new TextArena(), ended);
  store.set('a', textOf('a', [0, 1], 1));
  store.set('b', textOf('b', [0, 1], 1));
  store.set('a', textOf('a', [1], 1));
  store.delete('b');
  store.set('c', textOf('c', [0], 1));
  store.delete('c');
  store.set('c', textOf('c', [0], 1));
  await store.text();
  assert.deepEqual(
    new Set(ended.take().keys),
    new Set([...keysOf(textOf('a', [0], 1)), ...keysOf(textOf('b', [0, 1], 1))]),
  );
  // A leader knows what it has pushed.
  nowMs = 15_000;
  store.set('d', textOf('d', [0], 1));
  store.delete('d');
  await store.text();
  assert.deepEqual(ended.take(), { keys: [], lost: 0 });
});

test('a store that never ended a series allocates nothing for it, and one that is not queried stays within its limits', async () => {
  let nowMs = 0;
  const ended = new EndedSeriesTracker(() => nowMs);
  const text = (pod: number) => Buffer.from(textOf(`p${pod}`, [0, 1, 2, 3], 1, 1000));
  const none = Buffer.alloc(0);
  for (let pod = 0; pod < 1000; pod++) ended.replaced(none, text(pod));
  for (let pod = 0; pod < 1000; pod++) ended.replaced(text(pod), Buffer.from(textOf(`p${pod}`, [0, 1, 2, 3], 2, 1000)));
  assert.equal(ended.size, 0);
  for (let pod = 0; pod < 10_000; pod++) ended.replaced(text(pod), none);
  assert.ok(ended.size > 10_000 && ended.size < 17_000, `${ended.size} are kept`);
  const size = ended.size;
  const { keys: kept, lost } = ended.take();
  assert.equal(lost, 40_000 - size, 'what is dropped is counted');
  assert.ok(kept.some((key) => key.includes('"p9999"')) && !kept.some((key) => key.includes('"p0"')));

  for (const pod of [1, 2, 3]) {
    ended.replaced(text(pod), none);
    nowMs += 400_000;
  }
  assert.deepEqual(new Set(ended.take().keys.map((key) => /p\d/.exec(key)?.[0])), new Set(['p2', 'p3']));
});

test('dropped keys that have expired by the time they are requested no longer count as lost', () => {
  let nowMs = 0;
  const ended = new EndedSeriesTracker(() => nowMs);
  const end = (pod: string) => ended.replaced(Buffer.from(textOf(pod, [0, 1], 1, 1_000_000)), Buffer.alloc(0));
  for (let pod = 0; pod < 20; pod++) end(`p${pod}`);
  nowMs += 301_000;
  end('later');
  nowMs += 301_000;
  end('last');
  const { keys, lost } = ended.take();
  assert.equal(keys.length, 4);
  assert.equal(lost, 0);
});

test('the oldest are dropped one after another, also while others come back, without a search for each', (context) => {
  const ended = new EndedSeriesTracker(() => 0);
  // 33 pods fit.
  const text = (pod: number) => Buffer.from(textOf(`p${pod}`, [0], 1, 500_000));
  const none = Buffer.alloc(0);
  const random = randomFrom('drops');
  let expected: number[] = [];
  const searches = context.mock.method(Set.prototype, Symbol.iterator);
  let steps = 0;
  for (let round = 0; round < 400; round++) {
    const pod = random.below(60);
    const isBack = random.chance(0.2);
    if (isBack) ended.replaced(none, text(pod));
    else ended.replaced(text(pod), none);
    if (!isBack || expected.length > 0) steps++;
    if (isBack) expected = expected.filter((one) => one !== pod);
    else if (!expected.includes(pod)) expected = [...expected, pod].slice(-33);
  }
  assert.equal(searches.mock.callCount(), steps, 'only for the series that are there now');
  assert.deepEqual(
    ended.take().keys.map((key) => Number(/"p(\d+)"/.exec(key)?.[1])),
    expected,
  );
});
