// Cases of https://github.com/prometheus/compliance/tree/main/remotewrite/sender that are not in compliance.test.ts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { counter, family, gauge } from '../../../src/metrics/family.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { dropped, SENT } from '../../kit/exporter.ts';
import { RemoteWriteReceiver } from '../../kit/remote-write-receiver.ts';
import { until } from '../../kit/until.ts';
import { Cycles, started } from './cycles.ts';

const versionsOf = ({ requests }: RemoteWriteReceiver) => requests.map(({ version }) => version);

/** Faults of the first response to a request. */
const BROKEN_RESPONSES: Readonly<Record<string, (socket: Socket) => void>> = {
  'a reset connection': (socket) => void socket.resetAndDestroy(),
  'no response': () => {},
  'an empty response': (socket) => void socket.end(),
  'no HTTP': (socket) => void socket.end('NOT HTTP AT ALL\r\n\r\n'),
  'half of a response': (socket) => void socket.end('HTTP/1.1 204 No Con'),
  'a response with a truncated body': (socket) =>
    void socket.end('HTTP/1.1 500 Internal Server Error\r\ncontent-length: 1000\r\n\r\nhalf of '),
};

for (const [what, answer] of Object.entries(BROKEN_RESPONSES)) {
  test(`${what} is retried, and nothing is lost or stored twice`, { timeout: 120_000 }, async (t) => {
    const receiver = await RemoteWriteReceiver.start(t);
    const { port } = new URL(receiver.url);
    let connections = 0;
    const front = createServer((socket) => {
      socket.on('error', () => {});
      if (connections++ === 0) {
        socket.once('data', () => answer(socket));
        return;
      }
      const behind = connect(Number(port), '127.0.0.1');
      behind.on('error', () => socket.destroy());
      socket.pipe(behind).pipe(socket);
      socket.on('close', () => behind.destroy());
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    t.after(() => void front.close());
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}/api/v1/write`;
    const { push, counted } = await started(t, url, { timeout: '1s' });
    const cycles = new Cycles(3);
    push(cycles.next());
    push(cycles.next());
    await until(async () => (await counted(SENT)) === 6);
    assert.ok(connections >= 2);
    assert.deepEqual(receiver.violations, []);
    for (const samples of receiver.stored.values()) {
      assert.deepEqual(
        samples.map(({ value }) => value),
        [1, 2],
      );
    }
  });
}

test('a response of 5xx or 429 does not change the version', async (t) => {
  for (const code of [500, 503, 429]) {
    const receiver = await RemoteWriteReceiver.start(t);
    receiver.answer = () => (receiver.requests.length === 1 ? { code, text: 'busy' } : undefined);
    const { push, counted } = await started(t, receiver.url);
    push(new Cycles(2).next());
    await until(async () => (await counted(SENT)) === 2);
    assert.deepEqual(versionsOf(receiver), [2, 2]);
  }
});

test('without Retry-After, each wait is longer than the one before', { timeout: 120_000 }, async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  const times: number[] = [];
  receiver.answer = () => {
    times.push(performance.now());
    return times.length <= 3 ? { code: 503 } : undefined;
  };
  const { push, counted } = await started(t, receiver.url);
  push(new Cycles(1).next());
  await until(async () => (await counted(SENT)) === 1);
  const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  // Half a second, one and two: a busy machine can only extend them.
  for (const [index, least] of [500, 1000, 2000].entries()) assert.ok((waits[index] ?? 0) >= least - 1, waits.join());
});

test('401, 403 and 404 keep the batch, and are not retried before an operator can have acted', async (t) => {
  for (const code of [401, 403, 404]) {
    const receiver = await RemoteWriteReceiver.start(t);
    receiver.speaksSecond = false;
    receiver.answer = () => ({ code, text: 'no' });
    const { push, exporter, counted } = await started(t, receiver.url, { version: '1.0' });
    push(new Cycles(1).next());
    await until(() => exporter.status().state === 'paused');
    assert.equal(receiver.requests.length, 1);
    assert.equal(await counted(SENT), undefined);
  }
});

test('the text of a rejection is logged unchanged, however long it is', async (t) => {
  for (const text of ['series "a" has a value that is “too long”', `first ${'x'.repeat(1024 * 1024)}`]) {
    const receiver = await RemoteWriteReceiver.start(t);
    receiver.answer = ({ version }) => (version === 1 ? { code: 400, text } : { code: 415 });
    const { push, counted, lines } = await started(t, receiver.url);
    push(new Cycles(1).next());
    await until(async () => (await counted(dropped('rejected'))) === 1);
    const logged = lines.map((line) => JSON.stringify(JSON.parse(line))).join('\n');
    assert.ok(logged.includes(JSON.stringify(text.slice(0, 40)).slice(1, -1)), logged.slice(0, 1000));
    assert.ok(logged.length < 20_000);
  }
});

test('a body of a success, 200 or 204, and unreadable counts change nothing', async (t) => {
  const written = 'X-Prometheus-Remote-Write-Samples-Written';
  for (const [headers, expected] of [
    [{ [written]: '2' }, [2, 2]],
    // Without a readable number, the receiver counts as one of 1.0.
    [{ [written]: 'two' }, [2, 1, 1]],
    [{ [written]: '-1' }, [2, 1, 1]],
  ] as const) {
    const receiver = await RemoteWriteReceiver.start(t);
    receiver.answer = () => ({ code: 200, text: '{"status":"error"}', headers });
    const { push, counted } = await started(t, receiver.url);
    const cycles = new Cycles(2);
    push(cycles.next());
    await until(async () => (await counted(SENT)) === 2);
    push(cycles.next());
    await until(async () => (await counted(SENT)) === 4);
    assert.deepEqual(versionsOf(receiver), expected);
  }
});

test('values, names, labels and descriptions of all kinds arrive unchanged', async (t) => {
  // The snapshot refuses negative counters: those are gauges, at odd indices.
  const values = [
    0,
    -0,
    42,
    -15.5,
    123.45,
    1.7976931348623157e308,
    5e-324,
    0.000123,
    0.1 + 0.2,
    Infinity,
    7,
    -Infinity,
  ];
  const labels = ['ü 測試 😀', 'a\nb\\c"d{}=,', 'x'.repeat(900), 'long '.repeat(100)];
  const help = 'Lines\nand \\ "quotes", ü.';
  const families = [
    counter('level:requests_total', help, ['label']),
    gauge(`g_${'x'.repeat(300)}`, '', [`label_${'y'.repeat(200)}`]),
    family('histogram', 'latency_seconds', help, ['le']),
    family('summary', 'size_bytes', help, ['quantile']),
  ];
  for (const version of ['1.0', '2.0'] as const) {
    const receiver = await RemoteWriteReceiver.start(t);
    const { push, counted } = await started(t, receiver.url, { version });
    const out = new Snapshot();
    for (const [index, value] of values.entries())
      out.add(families[index % 2] as never, value, `${index} ${labels[index % 4]}`);
    out.addSeries(families[2] as never, 'latency_seconds_bucket{le="+Inf"}', 3);
    out.addSeries(families[3] as never, 'size_bytes_sum', 4);
    out.close();
    assert.deepEqual(out.errors, []);
    // Ten minutes ahead: the receiver decides whether that is too far.
    push({ group: 'node', stampMs: Date.now() + 600_000, snapshots: [out], prepared: [], births: [] });
    await until(async () => (await counted(SENT)) === out.size);
    assert.deepEqual(receiver.violations, []);
    const found = receiver.requests.flatMap(({ series }) => series);
    for (const [index, value] of values.entries()) {
      const wanted = `${index} ${labels[index % 4]}`;
      const one = found.find((series) => series.labels.some(([, text]) => text === wanted));
      assert.ok(Object.is(one?.samples[0]?.value, value), wanted.slice(0, 40));
    }
    const described =
      version === '1.0'
        ? receiver.requests.flatMap(({ metadata }) => metadata)
        : found.map((one) => ({ name: new Map(one.labels).get('__name__') ?? '', type: one.type, help: one.help }));
    const typeOf = (prefix: string) => described.find(({ name }) => name.startsWith(prefix));
    assert.deepEqual(
      ['level:', 'g_', 'latency_seconds', 'size_bytes'].map((prefix) => [typeOf(prefix)?.type, typeOf(prefix)?.help]),
      [
        [1, help],
        [2, ''],
        [3, help],
        [5, help],
      ],
    );
  }
});

test('a cycle without samples is no request', async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  const { push, counted } = await started(t, receiver.url);
  push(new Cycles(0).next());
  push(new Cycles(1).next());
  await until(async () => (await counted(SENT)) === 1);
  assert.equal(receiver.requests.length, 1);
});
