import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Family, gauge } from '../../src/metrics/family.ts';
import type { Prepared } from '../../src/metrics/prepared.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { Explorer } from '../../src/status/explorer.ts';

const FAMILIES = 300;
const SERIES = 100_000;
const signal = new AbortController().signal;
const everything = { labels: [], text: '' };

const families = Array.from({ length: FAMILIES }, (_, index) => gauge(`f${index}`, 'Help.', ['device', 'path']));

/** 300 families with 100,000 series, in object order, in two groups. */
function large(): { snapshots: Snapshot[]; explorer: Explorer } {
  const snapshots = [new Snapshot(), new Snapshot()];
  for (let index = 0; index < SERIES; index++) {
    const object = Math.floor(index / FAMILIES);
    const out = snapshots[object % 2] as Snapshot;
    out.add(families[index % FAMILIES] as Family, index, `d${object}`, object === 7 ? 'a"b\\c\nd' : '/x');
  }
  const [one, other] = snapshots as [Snapshot, Snapshot];
  const groups = new Map([
    ['node', [one]],
    ['container', [other]],
  ]);
  const last = { stampMs: 42, groups };
  return {
    snapshots,
    explorer: new Explorer(
      () => last,
      () => [],
    ),
  };
}

/** The longest block of the event loop during `work`, milliseconds. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let going: boolean = true;
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (going) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  going = false;
  return longest;
}

test('100,000 series in 300 families are paged, each series once', async () => {
  const { explorer } = large();
  const page = explorer.families('', { offset: 0, limit: 500 });
  assert.equal(page.total, FAMILIES);
  assert.equal(
    page.families.reduce((sum, { series }) => sum + series, 0),
    SERIES,
  );
  assert.deepEqual(page.families[0]?.groups, ['node', 'container']);
  const seen = new Set<string>();
  for (let offset = 0; ; offset += 50) {
    const part = await explorer.series('f17', everything, { offset, limit: 50 }, signal);
    assert.ok(part);
    assert.equal(part.total, page.families.find(({ name }) => name === 'f17')?.series);
    if (part.series.length === 0) break;
    for (const { selector } of part.series) seen.add(selector);
  }
  assert.equal(seen.size, Math.ceil((SERIES - 17) / FAMILIES));
  const none = await explorer.series('nothing', everything, { offset: 0, limit: 50 }, signal);
  assert.equal(none, undefined);
});

test('labels are matched exactly, including escapes, and also if absent', async () => {
  const { explorer } = large();
  const find = async (labels: [string, string][], text = '') => {
    const page = await explorer.series('f5', { labels, text }, { offset: 0, limit: 500 }, signal);
    return page?.series.map(({ labels }) => labels.device);
  };
  assert.deepEqual(await find([['device', 'd30']]), ['d30']);
  assert.deepEqual(await find([['path', 'a"b\\c\nd']]), ['d7']);
  assert.deepEqual(
    await find([
      ['device', 'd7'],
      ['path', '/x'],
    ]),
    [],
  );
  assert.deepEqual(await find([['device', '']]), []);
  assert.deepEqual(
    await find([
      ['device', 'd7'],
      ['other', ''],
    ]),
    ['d7'],
  );
  assert.deepEqual(await find([], 'DEVICE="D7"'), ['d7']);
  // A value that looks like another label.
  const out = new Snapshot();
  out.add(gauge('g', '', ['a', 'b']), 1, 'x,b=', 'y');
  const tricky = new Explorer(
    () => ({ stampMs: 1, groups: new Map([['node', [out]]]) }),
    () => [],
  );
  const page = await tricky.series('g', { labels: [['b', ',b=']], text: '' }, { offset: 0, limit: 1 }, signal);
  assert.equal(page?.total, 0);
});

test('nothing is searched before the first cycle', async () => {
  const explorer = new Explorer(
    () => undefined,
    () => [],
  );
  assert.deepEqual(explorer.families('', { offset: 0, limit: 10 }), { total: 0, offset: 0, limit: 10, families: [] });
  assert.equal(await explorer.series('f1', everything, { offset: 0, limit: 10 }, signal), undefined);
});

test('a search through everything lets the event loop turn, and ends when it is aborted', async () => {
  const { explorer } = large();
  const filter = { labels: [['device', 'd9']] as [string, string][], text: 'x' };
  const search = () => explorer.series('f5', filter, { offset: 0, limit: 50 }, signal);
  await search();
  const blocks: number[] = [];
  for (let round = 0; round < 5; round++) blocks.push(await longestBlock(search));
  // The best of several: the machine itself may be blocked.
  assert.ok(Math.min(...blocks) < 50, `blocked for ${blocks} ms`);
  await assert.rejects(endless(new AbortController()), { name: 'AbortError' });
});

/** A search in an endless part, aborted after some pieces. */
async function endless(controller: AbortController): Promise<unknown> {
  const part = preparedPart(async function* () {
    for (let piece = 0; ; piece++) {
      if (piece === 20) controller.abort();
      const until = performance.now() + 2;
      while (performance.now() < until);
      yield 'kube_pod_info{pod="a"} 1\n';
    }
  }, 1e9);
  const explorer = new Explorer(
    () => ({ stampMs: 1, groups: new Map() }),
    () => [part],
  );
  return explorer.series('kube_pod_info', { labels: [], text: 'zzz' }, { offset: 0, limit: 1 }, controller.signal);
}

const preparedPart = (lines: () => AsyncGenerator<string>, series: number): Prepared => ({
  group: 'ksm',
  collector: 'kube-state-metrics',
  text: async () => undefined,
  takeEnded: () => ({ keys: [], lost: 0 }),
  async *byFamily() {},
  families: () => [{ family: gauge('kube_pod_info', 'Pods.'), series }],
  lines,
});

test('compressed text is decompressed only as far as requested', async () => {
  let unpacked = 0;
  const part = preparedPart(async function* () {
    for (let piece = 0; piece < 100; piece++) {
      unpacked++;
      yield `kube_pod_info{pod="p${piece}a"} 1\nkube_pod_info{pod="p${piece}b"} +Inf\n`;
    }
  }, 200);
  const explorer = new Explorer(
    () => ({ stampMs: 1, groups: new Map([['ksm', []]]) }),
    () => [part],
  );
  const ask = (filter: { labels: [string, string][]; text: string }, offset: number) =>
    explorer.series('kube_pod_info', filter, { offset, limit: 2 }, signal);
  const first = await ask({ labels: [], text: '' }, 3);
  assert.equal(first?.total, 200);
  assert.deepEqual(
    first.series.map(({ labels, value, group }) => [labels.pod, value, group]),
    [
      ['p1b', '+Inf', 'ksm'],
      ['p2a', '1', 'ksm'],
    ],
  );
  assert.equal(unpacked, 3);
  const found = await ask({ labels: [['pod', 'p77a']], text: '' }, 0);
  assert.deepEqual([found?.total, found?.series[0]?.selector], [1, 'kube_pod_info{pod="p77a"}']);
});
