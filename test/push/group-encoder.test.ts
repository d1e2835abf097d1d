import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Batch } from '../../src/exporters/exporter.ts';
import { compressor } from '../../src/metrics/compression.ts';
import { gauge } from '../../src/metrics/family.ts';
import type { PreparedText } from '../../src/metrics/prepared.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { GroupEncoder } from '../../src/push/group-encoder.ts';

const lists = gauge('lists', 'Lists.', ['resource']);

/** A collector's snapshot after `previous`. */
function seen(values: Readonly<Record<string, number>>, previous?: Snapshot): Snapshot {
  const out = new Snapshot(previous);
  for (const [resource, value] of Object.entries(values)) out.add(lists, value, resource);
  out.close();
  return out;
}

const kept = (...texts: string[]): PreparedText => ({
  encoding: 'zstd',
  members: texts.map((text) => compressor('zstd').packSync(Buffer.from(text))),
  textBytes: texts.join('').length,
  samples: texts.length,
});

const textOf = (batch: Batch | undefined): string => zstdDecompressSync(Buffer.concat(batch?.members ?? [])).toString();

test('text that is the same as in the last cycle is not rendered again, but has its own timestamp', async () => {
  const encoder = new GroupEncoder();
  const state = kept('kube_pod_info{pod="a"} 1\n', 'kube_pod_info{pod="b"} 1\n');
  const first = seen({ pods: 1, nodes: Number.NaN });
  const encode = async (stampMs: number, snapshot: Snapshot, { members, ...rest }: PreparedText) => {
    const prepared = [{ ...rest, members: [...members] }];
    return (await encoder.encode({ group: 'ksm', stampMs, snapshots: [snapshot], prepared, encodings: ['zstd'] })).get(
      'zstd',
    );
  };
  const one = await encode(1000, first, state);
  const two = await encode(2000, seen({ pods: 1, nodes: Number.NaN }, first), state);
  assert.equal(two?.members, one?.members);
  assert.deepEqual([one?.stampMs, two?.stampMs], [1000, 2000]);
  assert.match(
    textOf(two),
    /^up 1\nlists{resource="pods"} 1\nlists{resource="nodes"} NaN\nkube_pod_info{pod="a"} 1\n/m,
  );
  const counted = await encode(3000, seen({ pods: 2, nodes: Number.NaN }, first), state);
  assert.match(textOf(counted), /^lists{resource="pods"} 2$/m);
  const changed = await encode(4000, seen({ pods: 2, nodes: Number.NaN }, first), kept('kube_pod_info{pod="c"} 1\n'));
  assert.match(textOf(changed), /^kube_pod_info{pod="c"} 1$/m);
  assert.doesNotMatch(textOf(changed), /pod="a"/);
  const more = await encode(5000, seen({ pods: 2, nodes: 3, jobs: 4 }, first), kept('kube_pod_info{pod="c"} 1\n'));
  assert.match(textOf(more), /^lists{resource="jobs"} 4$/m);
});

test('a sample with its own timestamp is rendered once for receivers of timestamps, and counted only there', async () => {
  const encoder = new GroupEncoder();
  const run = new Snapshot();
  run.addSeries(lists, 'lists{resource="pods"}', 1, 500);
  run.close();
  const repeated = new Snapshot();
  run.copyTo(repeated, { isRepeated: true });
  const prepared = [kept('a 1\n')];
  for (const [snapshot, stamped] of [
    [run, 3],
    [repeated, 2],
    [run, 3],
  ] as const) {
    const batches = await encoder.encode({
      ...{ group: 'exec', stampMs: 1000, snapshots: [snapshot], prepared, encodings: ['zstd', 'gzip'] },
    });
    assert.deepEqual([batches.get('zstd')?.samples, batches.get('gzip')?.samples], [stamped, 3]);
    assert.equal(/^lists.* 1 5/m.test(textOf(batches.get('zstd'))), stamped === 3);
    assert.match(gunzipSync(Buffer.concat(batches.get('gzip')?.members ?? [])).toString(), /^lists.* 1$/m);
  }
});

test('another encoding is rendered', async () => {
  const encoder = new GroupEncoder();
  const collected = { group: 'ksm', stampMs: 1, snapshots: [seen({ pods: 1 })], prepared: [kept('a 1\n')] } as const;
  const [both] = [await encoder.encode({ ...collected, encodings: ['zstd', 'gzip'] })];
  assert.deepEqual([...both.keys()], ['zstd', 'gzip']);
  const one = await encoder.encode({ ...collected, encodings: ['gzip'] });
  assert.deepEqual([...one.keys()], ['gzip']);
  assert.equal(one.get('gzip')?.encoding, 'gzip');
});
