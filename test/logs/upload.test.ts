import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createLog, ThrottledLog } from '../../src/base/log.ts';
import { loadSettings } from '../../src/commands/settings.ts';
import { targets } from '../../src/config/identity.ts';
import { COMMON_RESPONSES, classifyBy } from '../../src/exporters/entries/classify.ts';
import { EntryExporter } from '../../src/exporters/entries/entry-exporter.ts';
import type { EntryVerdict, LogProtocol } from '../../src/exporters/entries/protocol.ts';
import { exportMetrics } from '../../src/exporters/metrics.ts';
import type { LogEntry } from '../../src/logs/entry.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import { shipAll } from '../kit/log-entries.ts';
import { until } from '../kit/until.ts';

const entries = (count: number): LogEntry[] =>
  Array.from({ length: count }, (_, number) => ({
    source: 'journal',
    timeUs: number,
    message: `m${number}`,
    priority: undefined,
    labels: {},
    fields: new Map(),
    cursor: String(number),
  }));

/** A receiver of lines, one per entry; `answer` returns the status and the body for the entries of an upload. */
async function receiver(context: TestContext, answer: (names: string[], upload: number) => readonly [number, string?]) {
  const accepted: string[] = [];
  let uploads = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const names = Buffer.concat(chunks).toString().split('\n').filter(Boolean);
    const [status, body] = answer(names, ++uploads);
    if (status === 200 && !body) accepted.push(...names);
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, accepted, uploads: () => uploads };
}

const protocol = (classify?: LogProtocol['classify']): LogProtocol => ({
  path: '/lines',
  contentType: 'text/plain',
  headers: {},
  compression: 'none',
  maxBatchBytes: 1024 * 1024,
  parallel: 1,
  responseBytes: 1000,
  probe: { body: '', isAccepted: () => true },
  encode(entry, out) {
    out.text(`${entry.message}\n`);
    return undefined;
  },
  classify:
    classify ??
    ((reply): EntryVerdict =>
      reply.code === 400 ? { kind: 'rejected', reason: 'bad' } : classifyBy(COMMON_RESPONSES, reply)),
});

function exporterTo(context: TestContext, url: string, own: LogProtocol, failover: string[] = []) {
  const { config } = loadSettings({ node: 'n1', set: [] }, {});
  const exporter = new EntryExporter('it', { type: 'lines', url, failover, headers: {}, headerFiles: {} }, own, {
    targets: targets(config),
    metrics: exportMetrics(new AgentRegistry()),
    log: new ThrottledLog(createLog('silent')),
    now: Date.now,
    random: () => 0,
    env: {},
    spool: config.spool,
  });
  context.after(() => exporter.close(100));
  return exporter;
}

const forever = () => new AbortController().signal;

test('an entry that is rejected without being named is found by bisection', async (context) => {
  const { url, accepted } = await receiver(context, (names) => (names.includes('m37') ? [400] : [200]));
  const shipped = await shipAll(exporterTo(context, url, protocol()), entries(100), forever());
  assert.deepEqual(shipped && { accepted: shipped.accepted, dropped: [...shipped.dropped] }, {
    accepted: 99,
    dropped: [['rejected', 1]],
  });
  assert.equal(accepted.length, 99);
});

test('a receiver that rejects everything is retried, and nothing is lost', async (context) => {
  let isBack: boolean = false;
  const { url, accepted, uploads } = await receiver(context, () => (isBack ? [200] : [400]));
  const shipping = shipAll(exporterTo(context, url, protocol()), entries(64), forever());
  await until(() => uploads() >= 15);
  isBack = true;
  const shipped = await shipping;
  assert.equal(shipped?.accepted, 64);
  assert.deepEqual(
    accepted.toSorted(),
    entries(64)
      .map(({ message }) => message)
      .toSorted(),
  );
});

test('while a receiver is unavailable, its status has the time of the next attempt', async (context) => {
  let isBack: boolean = false;
  const { url } = await receiver(context, () => (isBack ? [200] : [503]));
  const exporter = exporterTo(context, url, protocol());
  assert.equal(exporter.status().nextTryMs, undefined);
  const shipping = shipAll(exporter, entries(1), forever());
  await until(() => exporter.status().state === 'retrying');
  const { nextTryMs } = exporter.status();
  assert.ok(
    nextTryMs !== undefined && nextTryMs > Date.now() - 1000 && nextTryMs < Date.now() + 60_000,
    `${nextTryMs}`,
  );
  isBack = true;
  assert.equal((await shipping)?.accepted, 1);
  assert.deepEqual([exporter.status().state, exporter.status().nextTryMs], ['ok', undefined]);
});

test('entries are rejected and resent individually, as named in the response', async (context) => {
  const own = protocol(({ body = '' }): EntryVerdict => {
    if (body === '') return { kind: 'accepted' };
    return { kind: 'accepted', rejected: [{ index: 1, reason: 'too_old' }], again: [3] };
  });
  const uploads: string[][] = [];
  const { url } = await receiver(context, (names, upload) => {
    uploads.push(names);
    return upload === 1 ? [200, 'some'] : [200];
  });
  const shipped = await shipAll(exporterTo(context, url, own), entries(5), forever());
  assert.deepEqual(shipped && [shipped.accepted, [...shipped.dropped], shipped.retried], [4, [['too_old', 1]], 1]);
  assert.deepEqual(uploads, [['m0', 'm1', 'm2', 'm3', 'm4'], ['m3']]);
});

test('the next address takes over, and the result of uploads in progress is unknown when the receiver is closed', async (context) => {
  const { url, accepted } = await receiver(context, () => [200]);
  const exporter = exporterTo(context, 'http://127.0.0.1:9', protocol(), [url]);
  assert.equal((await shipAll(exporter, entries(3), forever()))?.accepted, 3);
  assert.deepEqual(accepted, ['m0', 'm1', 'm2']);
  assert.equal(exporter.accepts(), false);
  const dead = exporterTo(context, 'http://127.0.0.1:9', protocol());
  const shipping = shipAll(dead, entries(1), forever());
  await dead.close(100);
  assert.equal(await shipping, undefined);
});

test('batches of one source are uploaded in order of arrival', async (context) => {
  const { url, accepted } = await receiver(context, () => [200]);
  const exporter = exporterTo(context, url, protocol());
  const all = entries(40);
  const parts = Array.from({ length: 4 }, (_, part) => all.slice(part * 10, part * 10 + 10));
  await Promise.all(parts.map((part) => shipAll(exporter, part, forever())));
  assert.deepEqual(
    accepted,
    all.map(({ message }) => message),
  );
});
