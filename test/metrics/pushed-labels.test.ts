import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Family, gauge, untyped } from '../../src/metrics/family.ts';
import { overLimit } from '../../src/metrics/label-limits.ts';
import { PushedLabels } from '../../src/metrics/pushed-labels.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { labelBlock } from '../../src/metrics/text/format.ts';
import { randomFrom } from '../kit/random.ts';

const LIMITS = { labels: 40, nameBytes: 256, valueBytes: 4096 };
const pushed = (...names: string[]) =>
  new PushedLabels({ names: new Set(['job', 'instance', ...names]), limits: LIMITS });

const job = untyped('job_last_success', 'When.');

/** A closed snapshot of these keys, each with its index as value. */
function snapshotOf(keys: readonly string[], family: Family = job, previous?: Snapshot): Snapshot {
  const out = new Snapshot(previous);
  for (const [index, key] of keys.entries()) out.addSeries(family, key, index);
  out.close();
  return out;
}

/** Keys, values and errors as seen by receivers. */
function seenOf(labels: PushedLabels, keys: readonly string[]) {
  const { snapshot, renamed, overLimit } = labels.see(snapshotOf(keys));
  return {
    keys: snapshot.keys,
    values: snapshot.values,
    errors: snapshot.errors.map(({ message }) => message),
    renamed,
    overLimit,
  };
}

test('a label that the push sets becomes exported_*, as in a scrape', () => {
  const { keys, renamed, errors } = seenOf(pushed('cluster', 'env'), [
    'job_last_success{instance="db1",job="x"}',
    'job_last_success{instance="db2",job="x"}',
    'job_last_success{cluster="a",env="blue",host="h"}',
    'job_last_success{host="h"}',
  ]);
  assert.deepEqual(keys, [
    'job_last_success{exported_instance="db1",exported_job="x"}',
    'job_last_success{exported_instance="db2",exported_job="x"}',
    'job_last_success{exported_cluster="a",exported_env="blue",host="h"}',
    'job_last_success{host="h"}',
  ]);
  assert.deepEqual([renamed, errors], [3, []]);
});

test('an existing name gets the prefix again, also if the push sets it', () => {
  const labels = pushed('exported_job');
  assert.deepEqual(seenOf(labels, ['job_last_success{exported_instance="a",instance="b"}']).keys, [
    'job_last_success{exported_exported_instance="b",exported_instance="a"}',
  ]);
  assert.deepEqual(seenOf(labels, ['job_last_success{job="b"}']).keys, ['job_last_success{exported_exported_job="b"}']);
});

test('series that become equal are dropped and reported, except the first', () => {
  const { keys, values, errors } = seenOf(pushed(), [
    'job_last_success{instance="a",z="1"}',
    'job_last_success{z="1",exported_instance="a"}',
    'job_last_success{z="2"}',
    'job_last_success{instance="",z="2"}',
  ]);
  assert.deepEqual(keys, ['job_last_success{exported_instance="a",z="1"}', 'job_last_success{z="2"}']);
  assert.deepEqual(values, [0, 2]);
  assert.equal(errors.length, 2);
  assert.match(errors[0] ?? '', /z="1",exported_instance="a"\} equals another series/);
});

test('words in a value are not labels', () => {
  const keys = ['job_last_success{text="{job=\\"x\\",instance="}', 'job_last_success{my_job="x"}', 'job_last_success'];
  const { keys: seen, renamed } = seenOf(pushed(), keys);
  assert.deepEqual([seen, renamed], [keys, 0]);
});

test('all parts of a key are checked for the label', () => {
  const out = new Snapshot();
  const labelled = gauge('x', 'X.');
  out.addParts(labelled, 'x{', 'instance="a",pod="p"', '}', 1);
  out.addParts(labelled, 'x{', 'instance="a",pod="p"', ',device="d",job="j"}', 2);
  out.close();
  assert.deepEqual(pushed().see(out).snapshot.keys, [
    'x{exported_instance="a",pod="p"}',
    'x{device="d",exported_instance="a",exported_job="j",pod="p"}',
  ]);
});

test('it is decided once per list: cycles with the same series share the result', () => {
  const labels = pushed();
  const first = snapshotOf(['job_last_success{instance="a"}']);
  const second = snapshotOf(['job_last_success{instance="a"}'], job, first);
  assert.equal(labels.see(first).snapshot.series, labels.see(second).snapshot.series);
  const plain = snapshotOf(['job_last_success{a="1"}']);
  assert.equal(labels.see(plain).snapshot, plain, 'unaffected snapshots are not copied');
});

test('series over the limits of VictoriaMetrics are counted, reported and still pushed', () => {
  const many = (count: number) =>
    `job_last_success{${Array.from({ length: count }, (_, index) => `l${index}="x"`).join()}}`;
  const long = (bytes: number) => `job_last_success{a="${'é'.repeat(bytes / 2)}"}`;
  // 40, with the name, job and instance.
  const fine = seenOf(pushed(), [many(37), long(4096), `job_last_success{${'n'.repeat(256)}="a"}`]);
  assert.deepEqual([fine.overLimit, fine.errors], [0, []]);
  const { overLimit, errors, keys } = seenOf(pushed(), [
    many(38),
    long(4098),
    `job_last_success{${'n'.repeat(257)}="a"}`,
  ]);
  assert.equal(overLimit, 3);
  assert.equal(keys.length, 3);
  assert.match(errors[0] ?? '', /41 labels, the limit is 40: VictoriaMetrics drops it/);
  assert.match(errors[1] ?? '', /label a with 4098 bytes, the limit is 4096/);
  assert.match(errors[2] ?? '', /a label name of 257 bytes/);
});

test('without a receiver with limits nothing is reported', () => {
  const labels = new PushedLabels({ names: new Set(['job']) });
  assert.equal(labels.see(snapshotOf([`job_last_success{a="${'x'.repeat(9000)}"}`])).overLimit, 0);
});

test('unparsed series are not affected by a limit or a label of the push', () => {
  const limits = { labels: 6, nameBytes: 20, valueBytes: 60 };
  const random = randomFrom('suspects');
  const parts = ['a', '"', '\\', '\n', '=', '="', ',', '{', 'é', 'job=', ',job="x"'];
  const text = () =>
    Array.from({ length: random.below(random.chance(0.1) ? 70 : 12) }, () => random.pick(parts)).join('');
  const name = () =>
    random.pick(['pod', 'id', 'n'.repeat(random.below(24) + 1), ...(random.chance(0.05) ? ['job'] : [])]);
  for (let round = 0; round < 300; round++) {
    const series = Array.from({ length: 8 }, () => [
      ...new Map(Array.from({ length: random.below(7) }, () => [name(), text()])),
    ]);
    const keys = series.map(
      (labels) =>
        `${job.name}${labelBlock(
          labels.map(([one]) => one),
          labels.map(([, one]) => one),
        )}`,
    );
    const seen = new PushedLabels({ names: new Set(['job', 'instance']), limits }).see(snapshotOf(keys));
    const exceeding = series.filter((labels) => {
      const pushedLabels = labels.filter(([one, value]) => one !== 'job' || value !== '');
      return overLimit(
        job.name,
        pushedLabels.map(([one, value]) => [one === 'job' ? 'exported_job' : one, value]),
        limits,
        2,
      );
    });
    assert.equal(seen.overLimit, exceeding.length, keys.join('\n'));
    assert.equal(
      seen.renamed,
      series.filter((labels) => labels.some(([one]) => one === 'job')).length,
      keys.join('\n'),
    );
  }
});
