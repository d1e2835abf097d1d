import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { ThrottledLog } from '../../../src/base/log.ts';
import { Report } from '../../../src/exporters/delivery/report.ts';
import { exportMetrics } from '../../../src/exporters/metrics.ts';
import { Backlog } from '../../../src/exporters/remotewrite/backlog.ts';
import type { SampleBatch } from '../../../src/exporters/remotewrite/sample-batch.ts';
import { Spool } from '../../../src/exporters/spool/spool.ts';
import { AgentRegistry } from '../../../src/metrics/registry.ts';
import { scratchFolder } from '../../kit/host-tree.ts';

const batchAt = (stampMs: number): SampleBatch => ({
  group: 'node',
  stampMs,
  target: { job: 'j', instance: 'i', labels: {} },
  snapshots: [],
  texts: [],
  ended: [`gone{at="${stampMs}"}`],
  zeros: new Map(),
  samples: 1,
  bytes: 10,
});

/** A backlog whose memory holds two cycles, with a spool in `folder`. */
function backlogIn(t: TestContext, folder: string): Backlog {
  const log = new ThrottledLog(pino({ level: 'silent' }));
  const report = new Report('it', exportMetrics(new AgentRegistry()), log, () => 0);
  const spool = new Spool({
    folder,
    maxBytes: 2 ** 20,
    maxWaitingBytes: 2 ** 20,
    maxAgeMs: 60_000,
    now: () => 0,
    log,
    onDrop: report.dropped,
    onSetAside: report.setAside,
  });
  const backlog = new Backlog({ cycles: 2, bytes: 2 ** 20 }, spool, report);
  t.after(() => backlog.close(undefined));
  return backlog;
}

/** The timestamps of the next batches until there is none. `between` runs before each. */
async function stampsOf(backlog: Backlog, between: (taken: number) => void = () => undefined): Promise<number[]> {
  const stamps: number[] = [];
  for (;;) {
    between(stamps.length);
    const next = await backlog.next(false);
    if (next === undefined) return stamps;
    stamps.push(next.batch.stampMs);
    await backlog.settle(next);
  }
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
const signal = new AbortController().signal;

test('batches being written to disk are sent before newer ones in memory', async (t) => {
  const backlog = backlogIn(t, join(scratchFolder(t), 'spool'));
  await backlog.open(signal, () => undefined);
  for (const stamp of upTo(9)) backlog.add(batchAt(stamp));
  assert.deepEqual(await stampsOf(backlog), upTo(9));
});

test('batches that leave memory while the next one is determined are also sent in order', async (t) => {
  const backlog = backlogIn(t, join(scratchFolder(t), 'spool'));
  await backlog.open(signal, () => undefined);
  for (const stamp of upTo(3)) backlog.add(batchAt(stamp));
  let stamp = 3;
  const stamps = await stampsOf(backlog, (taken) => {
    // These arrive during the lookup, at different stages.
    if (taken >= 12) return;
    if (taken % 3 === 0) backlog.add(batchAt(++stamp));
    else if (taken % 3 === 1) setImmediate(() => backlog.add(batchAt(++stamp)));
    else queueMicrotask(() => backlog.add(batchAt(++stamp)));
  });
  // The last one may arrive after the end.
  assert.deepEqual(stamps, upTo(stamps.length));
  assert.ok(stamps.length >= 12, String(stamps));
});

test('at shutdown, newer batches follow those on disk, and the next process has them in order', async (t) => {
  const folder = join(scratchFolder(t), 'spool');
  const first = backlogIn(t, folder);
  await first.open(signal, () => undefined);
  for (const stamp of upTo(5)) first.add(batchAt(stamp));
  const next = await first.next(false);
  assert.equal(next?.batch.stampMs, 1);
  assert.equal(await first.next(true), undefined, 'newer than what is on disk');
  await first.close(undefined);
  const second = backlogIn(t, folder);
  await second.open(signal, () => undefined);
  second.add(batchAt(6));
  assert.deepEqual(await stampsOf(second), upTo(6));
});

test('a batch that cannot be decompressed on its way to the disk is dropped alone', async (t) => {
  const backlog = backlogIn(t, join(scratchFolder(t), 'spool'));
  await backlog.open(signal, () => undefined);
  const damaged = { compression: 'gzip', members: [Buffer.from('no frame')] } as const;
  backlog.add({ ...batchAt(1), texts: [damaged] });
  for (const stamp of [2, 3, 4, 5]) backlog.add(batchAt(stamp));
  assert.deepEqual(await stampsOf(backlog), [2, 3, 4, 5]);
});

test('without anything on disk, memory is still sent at shutdown', async (t) => {
  const backlog = backlogIn(t, join(scratchFolder(t), 'spool'));
  await backlog.open(signal, () => undefined);
  backlog.add(batchAt(1));
  assert.equal((await backlog.next(true))?.batch.stampMs, 1);
});
