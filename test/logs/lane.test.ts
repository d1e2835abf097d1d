import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, ThrottledLog } from '../../src/base/log.ts';
import type { LogEntry } from '../../src/logs/entry.ts';
import { Lane } from '../../src/logs/lane.ts';
import { logMetrics } from '../../src/logs/metrics.ts';
import type { EntryBatch, LogSink } from '../../src/logs/sink.ts';
import type { LogSource } from '../../src/logs/source.ts';
import { until } from '../kit/until.ts';

class CountingBatch implements EntryBatch {
  readonly source = 'kernel';
  readonly sinceUs = undefined;
  readonly isFull = false;
  count = 0;
  isReleased = false;
  add(): void {
    this.count++;
  }
  release(): void {
    this.isReleased = true;
  }
}

test('a batch that could not be encoded is sent again, and its entries are acknowledged once', async () => {
  const entry = {} as LogEntry;
  const acknowledged: string[] = [];
  let reads = 0;
  const source: LogSource = {
    name: 'kernel',
    lost: {},
    waiting: undefined,
    read(target) {
      if (reads++ > 0) return Promise.resolve(undefined);
      target.add(entry);
      return Promise.resolve({ position: '"1"', isDrained: true });
    },
    acknowledged: (position) => void acknowledged.push(position),
    close() {},
  };
  const batches: EntryBatch[] = [];
  const sink: LogSink = {
    maxInFlight: 2,
    begin: () => new CountingBatch(),
    ship(batch) {
      batches.push(batch);
      if (batches.length === 1) return Promise.reject(new RangeError('Array buffer allocation failed'));
      return Promise.resolve({ accepted: batch.count, dropped: new Map(), retried: 0, bytes: 1 });
    },
  };
  const lane = new Lane({
    ...{ exporter: 'x', sink, folder: undefined, redact: undefined, metrics: logMetrics(() => []), now: Date.now },
    type: { name: 'kernel', open: () => source },
    log: new ThrottledLog(createLog('silent')),
  });
  lane.start();
  await until(() => lane.status().failing);
  await until(() => lane.status().acked === 1);
  assert.equal(lane.status().failing, false);
  assert.equal(batches.length, 2);
  assert.equal(batches[0], batches[1]);
  assert.match(lane.status().lastError?.text ?? '', /failed to send.*allocation failed/);
  await lane.stop();
  assert.deepEqual([lane.status().acked, (batches[0] as CountingBatch).isReleased], [1, true]);
});

test('a source that fails is replaced by its successor after the last batch, as often as it fails', async () => {
  const closed: string[] = [];
  const make = (name: string): LogSource => {
    let reads = 0;
    return {
      ...{ name: 'kernel', lost: {}, waiting: undefined, acknowledged() {} },
      read(target) {
        if (reads++ > 0) return closed.length < 2 ? Promise.reject(new Error('broken')) : Promise.resolve(undefined);
        target.add({} as LogEntry);
        return Promise.resolve({ position: name, isDrained: false });
      },
      successor: ({ position }) => make(`after ${position}`),
      close: () => void closed.push(name),
    };
  };
  let opened = 0;
  const open = () => {
    opened++;
    return make('first');
  };
  const sink: LogSink = {
    maxInFlight: 4,
    begin: () => new CountingBatch(),
    ship: ({ count }) => Promise.resolve({ accepted: count, dropped: new Map(), retried: 0, bytes: 1 }),
  };
  const lane = new Lane({
    ...{ exporter: 'x', sink, folder: undefined, redact: undefined, metrics: logMetrics(() => []), now: Date.now },
    type: { name: 'kernel', open },
    log: new ThrottledLog(createLog('silent')),
  });
  lane.start();
  await until(() => lane.status().acked === 3);
  await lane.stop();
  assert.equal(opened, 1);
  assert.deepEqual(closed, ['first', 'after first', 'after after first']);
});
