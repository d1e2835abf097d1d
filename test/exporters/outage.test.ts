import assert from 'node:assert/strict';
import * as files from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { pino } from 'pino';
import { ThrottledLog } from '../../src/base/log.ts';
import { loadSettings } from '../../src/commands/settings.ts';
import { targets } from '../../src/config/identity.ts';
import type { Batch } from '../../src/exporters/exporter.ts';
import { createExporter } from '../../src/exporters/index.ts';
import { exportMetrics } from '../../src/exporters/metrics.ts';
import { Disk } from '../../src/exporters/spool/disk.ts';
import { compressEach } from '../../src/metrics/compression.ts';
import type { Group } from '../../src/metrics/group.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { samplesOf } from '../kit/samples.ts';
import { until } from '../kit/until.ts';

/** A receiver with configurable responses. */
class Receiver {
  /** Accepted batches: timestamp and lines of text. */
  readonly taken: { stampMs: number; lines: string[]; path: string }[] = [];
  readonly requests: string[] = [];
  readonly readsZstd: boolean;
  /** Status for a batch; 204 accepts it. */
  answer: (bytes: number) => number = () => 204;
  readonly #server: Server;

  static async start(t: TestContext, readsZstd = true): Promise<Receiver> {
    const receiver = new Receiver(readsZstd);
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      receiver.#server.close();
      receiver.#server.closeAllConnections();
    });
    return receiver;
  }

  private constructor(readsZstd: boolean) {
    this.readsZstd = readsZstd;
    this.#server = createServer((request, response) => {
      void this.#take(request).then(([code, text]) => response.writeHead(code).end(text));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get stamps(): number[] {
    return this.taken.map(({ stampMs }) => stampMs);
  }

  async #take(request: IncomingMessage): Promise<[number, string]> {
    const packed = await buffer(request);
    const encoding = request.headers['content-encoding'] ?? '';
    const url = new URL(request.url ?? '', this.url);
    this.requests.push(`${encoding} ${packed.length}`);
    let text = packed.toString();
    if (encoding === 'gzip') text = gunzipSync(packed).toString();
    else if (this.readsZstd) {
      try {
        text = zstdDecompressSync(packed).toString();
      } catch (cause) {
        return [400, `cannot decompress: ${String(cause)}`];
      }
    }
    const code = this.answer(packed.length);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    if (code === 204 && lines.length > 0) {
      this.taken.push({ stampMs: Number(url.searchParams.get('timestamp')), lines, path: url.pathname });
    }
    return [code, ''];
  }
}

async function exporterTo(url: string, options: object = {}, spoolPath?: string, node = 'n1', disk?: Disk) {
  const log: string[] = [];
  const registry = new AgentRegistry();
  const set = [`exporters.it=${JSON.stringify({ type: 'vmagent', url, ...options })}`];
  if (spoolPath !== undefined) set.push(`spool.path=${spoolPath}`);
  const { config } = loadSettings({ node, set }, {});
  const settings = config.exporters.it;
  assert.ok(settings);
  const exporter = await createExporter('it', settings, {
    targets: targets(config),
    metrics: exportMetrics(registry),
    log: new ThrottledLog(pino({}, { write: (line: string) => log.push(line) })),
    now: () => 100_000,
    random: () => 0,
    env: {},
    spool: config.spool,
    ...(disk && { disk }),
  });
  exporter.start();
  const counted = async (series: string) => samplesOf(await registry.metrics()).get(`firesteel_export_${series}`) ?? 0;
  return { exporter, log, counted };
}

async function batchAt(stampMs: number, lines = 1, group: Group = 'node'): Promise<Batch> {
  const text = Array.from({ length: lines }, (_, line) => `stamp{line="${line}"} ${stampMs}\n`);
  const chunks = [`# TYPE stamp gauge\n${text.join('')}`].map((chunk) => Buffer.from(chunk));
  const compressed = (await compressEach(chunks, ['zstd'], stampMs)).get('zstd');
  assert.ok(compressed);
  return { group, stampMs, samples: lines, encoding: 'zstd', ...compressed };
}

test('an outage loses nothing: batches beyond memory wait on disk and follow, each with its timestamp', async (t) => {
  const receiver = await Receiver.start(t);
  receiver.answer = () => 503;
  const { exporter, counted } = await exporterTo(
    receiver.url,
    { queue: { cycles: 2 } },
    join(scratchFolder(t), 'spool'),
  );
  for (let stamp = 1; stamp <= 10; stamp++) exporter.deliver(await batchAt(stamp));
  await until(async () => (await counted('queue_bodies{exporter="it",tier="disk"}')) >= 7);
  await until(async () => (await counted('breaker_open{exporter="it"}')) === 1);
  assert.equal(exporter.status().state, 'retrying');
  receiver.answer = () => 204;
  await until(() => receiver.taken.length === 10);
  assert.ok((receiver.stamps[0] ?? 0) > 8, `the newest first: ${receiver.stamps}`);
  assert.deepEqual(
    [...receiver.stamps].sort((one, other) => one - other),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  const onDisk = receiver.stamps.slice(-7);
  assert.deepEqual(
    onDisk,
    [...onDisk].sort((one, other) => one - other),
    'from disk the oldest first',
  );
  await until(async () => (await counted('queue_bodies{exporter="it",tier="disk"}')) === 0);
  await exporter.close(1000);
  const { state, dropped, sentSamples } = exporter.status();
  assert.deepEqual([state, dropped, sentSamples], ['ok', {}, 10]);
  assert.ok((await counted('replayed_bodies_total{exporter="it"}')) >= 7);
});

test('a disk that stalls during an outage: bounds, metrics, the status, and a timely shutdown', async (t) => {
  const receiver = await Receiver.start(t);
  receiver.answer = () => 503;
  const LINES = 3000;
  let hangs: boolean = false;
  const released = Promise.withResolvers<void>();
  t.after(() => released.resolve());
  const { lstat, mkdir, open, readdir, rename, unlink } = files;
  const stalling: typeof open = async (...args) => {
    if (hangs) await released.promise;
    return open(...args);
  };
  const disk = new Disk({ deadlineMs: 100, io: { lstat, mkdir, open: stalling, readdir, rename, unlink } });
  const options = { queue: { cycles: 2, bytes: '64KiB' } };
  const { exporter, counted, log } = await exporterTo(
    receiver.url,
    options,
    join(scratchFolder(t), 'spool'),
    'n1',
    disk,
  );
  await until(async () => (await counted('spool_usable{exporter="it"}')) === 1);
  hangs = true;
  for (let stamp = 1; stamp <= 100; stamp++) exporter.deliver(await batchAt(stamp, LINES));
  await until(async () => (await counted('spool_usable{exporter="it"}')) === 0);
  const { spool, memory } = exporter.status();
  assert.match(spool?.trouble ?? '', /does not respond/);
  assert.ok((spool?.bytes ?? 0) > 0 && (spool?.bytes ?? 0) <= 65_536, `${spool?.bytes} bytes wait for the disk`);
  assert.equal(await counted('queue_bytes{exporter="it",tier="disk"}'), spool?.bytes);
  const waiting = memory.bodies + (spool?.bodies ?? 0);
  const lost = await counted('samples_dropped_total{exporter="it",reason="disk_stalled"}');
  // One may be in an upload.
  const batches = waiting + lost / LINES;
  assert.ok(batches >= 99 && batches <= 100, `${waiting} wait, ${lost} samples lost`);
  assert.ok(lost > 0);
  const started = performance.now();
  await exporter.close(1000);
  // The disk responds only after the test.
  assert.ok(performance.now() - started < 60_000, 'the shutdown does not wait for the disk');
  assert.equal(await counted('samples_dropped_total{exporter="it",reason="disk_stalled"}'), 100 * LINES);
  assert.match(log.join(), /the disk of this folder/);
});

test('remaining batches go to disk at shutdown; the next run sends its first batch before them', async (t) => {
  const receiver = await Receiver.start(t);
  receiver.answer = () => 503;
  const folder = join(scratchFolder(t), 'spool');
  const first = await exporterTo(receiver.url, {}, folder);
  for (const stamp of [1, 2, 3]) first.exporter.deliver(await batchAt(stamp));
  await until(() => receiver.requests.length >= 2);
  const started = performance.now();
  await first.exporter.close(2000);
  assert.ok(performance.now() - started < 10_000);
  assert.deepEqual(first.exporter.status().dropped, {});
  assert.equal(first.exporter.status().spool?.bodies, 3);

  receiver.answer = () => 204;
  const second = await exporterTo(receiver.url, {}, folder, 'renamed');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(receiver.stamps, [], 'nothing before the first cycle');
  second.exporter.deliver(await batchAt(4));
  await until(() => receiver.taken.length === 4);
  assert.deepEqual(receiver.stamps, [4, 1, 2, 3]);
  const instances = receiver.taken.map(({ path }) => path.split('/').at(-1));
  assert.deepEqual(instances, ['renamed', 'n1', 'n1', 'n1'], 'under the name of their collection');
  await second.exporter.close(1000);
});

test('a receiver that hangs at shutdown costs its deadline and nothing else', async (t) => {
  const receiver = createServer(() => undefined).listen(0, '127.0.0.1');
  t.after(() => {
    receiver.close();
    receiver.closeAllConnections();
  });
  await new Promise((resolve) => receiver.once('listening', resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const { exporter } = await exporterTo(url, {}, join(scratchFolder(t), 'spool'));
  for (const stamp of [1, 2, 3]) exporter.deliver(await batchAt(stamp));
  await exporter.close(300);
  const { dropped, spool } = exporter.status();
  assert.deepEqual([dropped, spool?.bodies], [{}, 3]);
});

test('a receiver without zstd support is checked once, and gets lines with their own time', async (t) => {
  const receiver = await Receiver.start(t, false);
  const { exporter } = await exporterTo(receiver.url);
  assert.equal(exporter.encoding, 'zstd');
  exporter.deliver(await batchAt(1_795_265_312_769, 2));
  exporter.deliver(await batchAt(1_795_265_312_000, 1, 'agent'));
  await until(() => receiver.taken.length === 2);
  const [batch] = receiver.taken.filter(({ lines }) => lines.length === 2);
  assert.equal(batch?.stampMs, 9_999_999_999_999, 'a truncated line gets a time that is not stored');
  assert.deepEqual(batch?.lines, [
    'stamp{line="0"} 1795265312769 1.7952653127695e12',
    'stamp{line="1"} 1795265312769 1.7952653127695e12',
  ]);
  assert.deepEqual(receiver.requests.map((request) => request.split(' ')[0]).sort(), ['gzip', 'gzip', 'zstd']);
  assert.equal(exporter.encoding, 'gzip-stamped');
  await exporter.close(1000);
});

test('a batch that is too large is sent in parts of complete lines', async (t) => {
  const receiver = await Receiver.start(t);
  const batch = await batchAt(5000, 4000);
  const whole = batch.members.reduce((sum, { length }) => sum + length, 0);
  receiver.answer = (bytes) => (bytes > whole / 3 ? 413 : 204);
  const { exporter, log } = await exporterTo(receiver.url);
  exporter.deliver(batch);
  await until(() => exporter.status().sentSamples === 4000);
  assert.ok(receiver.taken.length >= 4);
  assert.equal(new Set(receiver.taken.flatMap(({ lines }) => lines)).size, 4000);
  assert.deepEqual(new Set(receiver.stamps), new Set([5000]), 'all parts with the timestamp of the batch');
  assert.match(log.join(''), /too_large.*in parts|in parts.*too_large/);
  const requests = receiver.requests.length;
  const parts = receiver.taken.length;
  exporter.deliver(await batchAt(5500, 4000));
  await until(() => exporter.status().sentSamples === 8000);
  assert.equal(receiver.requests.length - requests, receiver.taken.length - parts, 'the limit is known by now');
  receiver.answer = () => 413;
  exporter.deliver(await batchAt(6000));
  await until(() => exporter.status().dropped.too_large === 1);
  await exporter.close(1000);
});

test('another address takes over immediately, and the first gets everything when it is back', async (t) => {
  const [main, other] = [await Receiver.start(t), await Receiver.start(t)];
  main.answer = () => 503;
  const { exporter } = await exporterTo(main.url, { failover: [other.url] });
  exporter.deliver(await batchAt(1));
  await until(() => other.taken.length === 1);
  await until(() => exporter.status().state === 'ok');
  assert.equal(exporter.status().url, other.url);
  main.answer = () => 204;
  let stamp = 2;
  await until(async () => {
    exporter.deliver(await batchAt(stamp++));
    return main.taken.length > 0;
  });
  exporter.deliver(await batchAt(stamp));
  await until(() => main.stamps.includes(stamp));
  assert.equal(exporter.status().url, main.url);
  await exporter.close(1000);
  const all = new Set([...main.stamps, ...other.stamps]);
  assert.equal(all.size, main.stamps.length + other.stamps.length, 'each batch went to one of them');
});

test('a failing receiver gets one upload at a time, whatever is queued', async (t) => {
  const receiver = await Receiver.start(t);
  receiver.answer = () => 503;
  const { exporter } = await exporterTo(receiver.url);
  const groups: Group[] = ['node', 'agent', 'process', 'container'];
  for (const group of groups) exporter.deliver(await batchAt(1, 1, group));
  await until(() => receiver.requests.length >= groups.length + 1);
  const before = receiver.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.ok(receiver.requests.length - before <= 2, `${receiver.requests.length - before} requests in 0.7 s`);
  receiver.answer = () => 204;
  await until(() => receiver.taken.length === groups.length);
  await exporter.close(1000);
});

test('a batch from disk that fails while others are accepted waits between its attempts, and is not dropped early', async (t) => {
  const receiver = await Receiver.start(t);
  receiver.answer = () => 503;
  const path = join(scratchFolder(t), 'spool');
  const first = await exporterTo(receiver.url, {}, path);
  // Larger than all others, and so recognizable.
  first.exporter.deliver(await batchAt(1, 3000));
  await until(async () => (await first.counted('breaker_open{exporter="it"}')) === 1);
  await first.exporter.close(0);
  let attempts = 0;
  receiver.answer = (bytes) => {
    if (bytes < 1000) return 204;
    attempts++;
    return 503;
  };
  const { exporter, counted } = await exporterTo(receiver.url, {}, path);
  for (let stamp = 2; attempts < 4; stamp++) {
    exporter.deliver(await batchAt(stamp));
    await until(() => receiver.stamps.includes(stamp) || attempts >= 4);
    assert.equal(await counted('samples_dropped_total{exporter="it",reason="server_error"}'), 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(stamp < 2000, `${attempts} attempts`);
  }
  assert.equal(exporter.status().spool?.bodies, 1, 'still on disk');
  receiver.answer = () => 204;
  await until(() => receiver.stamps.includes(1));
  await exporter.close(1000);
  assert.deepEqual(exporter.status().dropped, {});
});
