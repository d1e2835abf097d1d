import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Registry } from 'prom-client';
import { createLog, ThrottledLog } from '../../src/base/log.ts';
import { exportMetrics } from '../../src/exporters/metrics.ts';
import { Janitor } from '../../src/exporters/pushgateway/janitor.ts';
import { batchAt, exporterTo } from '../kit/exporter.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { until } from '../kit/until.ts';

/** A receiver whose clock is at `date`, in milliseconds since 1970. */
async function receiver(
  t: TestContext,
  status: () => number,
  date = Date.now,
): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.sendDate = false;
      response.writeHead(status(), { date: new Date(date()).toUTCString() }).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

test('metrics of acknowledged uploads', async (t) => {
  const { url } = await receiver(
    t,
    () => 204,
    () => Date.now() + 7_200_000,
  );
  const { exporter, counted } = await exporterTo(url);
  const began = Date.now();
  const batch = await batchAt(9000);
  exporter.deliver(batch);
  await until(async () => (await counted('firesteel_export_samples_sent_total{exporter="it"}')) === 1);
  assert.equal(await counted('firesteel_export_body_bytes_total{exporter="it",form="text"}'), batch.textBytes);
  const wire = batch.members.reduce((sum, { length }) => sum + length, 0);
  assert.equal(await counted('firesteel_export_body_bytes_total{exporter="it",form="wire"}'), wire);
  assert.equal(await counted('firesteel_export_highest_sent_timestamp_seconds{exporter="it"}'), 9);
  const since = began / 1000;
  assert.ok(((await counted('firesteel_export_last_success_timestamp_seconds{exporter="it"}')) ?? 0) >= since);
  // Whole seconds, in the header of a response that may be late.
  assert.ok(Math.abs(((await counted('firesteel_export_clock_skew_seconds{exporter="it"}')) ?? 0) - 7200) < 60);
  assert.equal(await counted('firesteel_export_queue_limit_bytes{exporter="it",tier="memory"}'), 8_388_608);
  assert.equal(await counted('firesteel_export_queue_oldest_timestamp_seconds{exporter="it"}'), undefined);
  await exporter.close(1000);
});

test('metrics of a queue on disk: what is not ours, what is unusable, and what is sent later', async (t) => {
  let status = 503;
  const { url } = await receiver(t, () => status);
  const spoolPath = join(scratchFolder(t), 'spool');
  const first = await exporterTo(url, {}, 'vmagent', { spoolPath });
  first.exporter.start();
  const stamps = [3000, 2000, 1000].map((ago) => Date.now() - ago);
  for (const stamp of stamps) first.exporter.deliver(await batchAt(stamp));
  const oldest = await first.counted('firesteel_export_queue_oldest_timestamp_seconds{exporter="it"}');
  // The first one is in an upload, or waits again.
  assert.ok(stamps.slice(0, 2).includes(Math.round((oldest ?? 0) * 1000)), `${oldest}`);
  await first.exporter.close(2000);
  const folder = join(spoolPath, 'it');
  mkdirSync(join(folder, 'a folder.body'));
  writeFileSync(join(folder, 'damaged.body'), 'not a batch');
  status = 204;
  const next = await exporterTo(url, {}, 'vmagent', { spoolPath });
  next.exporter.start();
  next.exporter.deliver(await batchAt(Date.now()));
  await until(async () => (await next.counted('firesteel_export_replayed_bodies_total{exporter="it"}')) === 3);
  assert.equal(await next.counted('firesteel_export_spool_foreign_entries{exporter="it"}'), 1);
  assert.equal(await next.counted('firesteel_export_spool_set_aside_total{exporter="it"}'), 1);
  // Its number of samples is not known.
  assert.equal(
    await next.counted('firesteel_export_unknown_bodies_dropped_total{exporter="it",reason="spool_corrupt"}'),
    1,
  );
  await next.exporter.close(1000);
});

test('a connection that the receiver had closed is counted, and the upload repeated', async (t) => {
  const used = new WeakSet<object>();
  const { url, server } = await receiver(t, () => 204);
  server.prependListener('request', ({ socket }) => {
    if (used.has(socket)) socket.resetAndDestroy();
    used.add(socket);
  });
  const { exporter, counted } = await exporterTo(url);
  for (const count of [1, 2]) {
    exporter.deliver(await batchAt(1000 * count));
    await until(async () => (await counted('firesteel_export_samples_sent_total{exporter="it"}')) === count);
  }
  assert.equal(await counted('firesteel_export_connection_resets_total{exporter="it"}'), 1);
  await exporter.close(1000);
});

test('metrics of the janitor: deleted groups, and rounds that failed', async () => {
  const registry = new Registry();
  const metrics = exportMetrics(registry);
  const nowMs = 1_800_000_000_000;
  let rounds = 0;
  const left = { labels: { job: 'node-exporter', instance: 'n2', cluster: 'prod' }, pushedMs: nowMs - 3_600_000 };
  const deleted: string[] = [];
  const janitor = new Janitor({
    exporter: 'it',
    gateway: {
      groups: async () => [left],
      delete: async ({ labels }: typeof left) => void deleted.push(labels.instance),
      close() {},
    } as unknown as ConstructorParameters<typeof Janitor>[0]['gateway'],
    isLeader: () => true,
    nodes: async () => {
      if (rounds === 2) throw new Error('no response');
      return new Set(['n1']);
    },
    ours: { jobs: new Set(['node-exporter']), cluster: 'prod', graceMs: 600_000 },
    everyMs: 1,
    clock: {
      wallMs: () => nowMs,
      monotonicMs: () => nowMs,
      async sleep(_, signal) {
        if (rounds++ === 2) await once(signal, 'abort');
      },
    },
    now: () => nowMs,
    log: new ThrottledLog(createLog('silent')),
    metrics,
  });
  janitor.start();
  await until(async () => rounds === 3);
  await janitor.stop();
  assert.deepEqual(deleted, ['n2']);
  const text = await registry.metrics();
  assert.match(text, /^firesteel_export_deleted_groups_total\{exporter="it"\} 1$/m);
  assert.match(text, /^firesteel_export_janitor_errors_total\{exporter="it"\} 1$/m);
});
