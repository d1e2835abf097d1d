import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dropped, exporterTo, SENT } from '../../kit/exporter.ts';
import { freePort } from '../../kit/free-port.ts';
import { scratchFolder } from '../../kit/host-tree.ts';
import { RemoteWriteReceiver } from '../../kit/remote-write-receiver.ts';
import { until } from '../../kit/until.ts';
import { Cycles, started } from './cycles.ts';

const versionsOf = (receiver: RemoteWriteReceiver) => receiver.requests.map(({ version }) => version);
const valuesOf = (receiver: RemoteWriteReceiver) =>
  [...receiver.stored.values()].map((samples) => samples.map(({ value }) => value));

test('2.0 is offered first, and kept if the response counts the written samples', async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  const { push, counted } = await started(t, receiver.url, { headers: { 'X-Scope-OrgID': 'team-a' } });
  const cycles = new Cycles(5000);
  for (let cycle = 1; cycle <= 3; cycle++) {
    push(cycles.next());
    await until(async () => (await counted(SENT)) === cycle * 5000);
  }
  assert.deepEqual(receiver.violations, []);
  assert.ok(versionsOf(receiver).every((version) => version === 2));
  assert.equal(receiver.size, 5000);
  assert.ok(valuesOf(receiver).every((values) => values.join() === '1,2,3'));
  assert.ok(receiver.requests.every(({ headers }) => headers['x-scope-orgid'] === 'team-a'));
});

test('a receiver that stores nothing of 2.0 gets the same samples again in 1.0, and nothing else', async (t) => {
  for (const answer of [undefined, { code: 415 }, { code: 400, text: 'cannot decode' }]) {
    const receiver = await RemoteWriteReceiver.start(t);
    receiver.speaksSecond = false;
    receiver.answer = ({ version }) => (version === 2 ? answer : undefined);
    const { push, counted } = await started(t, receiver.url);
    const cycles = new Cycles(10);
    for (let cycle = 1; cycle <= 3; cycle++) {
      push(cycles.next());
      await until(async () => (await counted(SENT)) === cycle * 10);
    }
    assert.deepEqual(versionsOf(receiver), [2, 1, 1, 1]);
    assert.deepEqual(receiver.violations, []);
    assert.ok(valuesOf(receiver).every((values) => values.join() === '1,2,3'));
  }
});

test('an agent that requires 2.0 reports a receiver without it; one that requires 1.0 uses it immediately', async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  receiver.speaksSecond = false;
  const second = await started(t, receiver.url, { version: '2.0' });
  second.push(new Cycles(1).next());
  await until(() => second.exporter.status().state === 'paused');
  assert.match(second.lines.join(''), /does not speak remote write 2\.0/);
  assert.equal(await second.counted(SENT), undefined);
  receiver.requests.length = 0;
  const first = await started(t, receiver.url, { version: '1.0' });
  first.push(new Cycles(1).next());
  await until(async () => (await first.counted(SENT)) === 1);
  assert.deepEqual(versionsOf(receiver), [1]);
});

test('5xx and 429 are retried, after the wait that the receiver requests, and nothing overtakes', async (t) => {
  for (const code of [500, 502, 503, 504, 429]) {
    const receiver = await RemoteWriteReceiver.start(t);
    const began = performance.now();
    receiver.answer = () =>
      receiver.requests.length <= 1 ? { code, text: 'busy', headers: { 'retry-after': '1' } } : undefined;
    const { push, counted } = await started(t, receiver.url);
    const cycles = new Cycles(3);
    push(cycles.next());
    push(cycles.next());
    await until(async () => (await counted(SENT)) === 6);
    assert.ok(performance.now() - began >= 1000, 'Retry-After');
    assert.deepEqual(receiver.violations, []);
    assert.ok(valuesOf(receiver).every((values) => values.join() === '1,2'));
  }
});

test('requests rejected with 400 are not sent again: they are counted with the reason, and the next request follows', async (t) => {
  const reasons = {
    out_of_order: 'out of order sample',
    duplicate: 'duplicate sample for timestamp',
    too_old: 'too old sample',
    too_new: 'sample too far in the future',
    rejected: 'label value too long',
  };
  for (const [reason, text] of Object.entries(reasons)) {
    const receiver = await RemoteWriteReceiver.start(t);
    receiver.answer = ({ series }) =>
      series[0]?.samples[0]?.stampMs === 1000
        ? { code: 400, text, headers: { 'x-prometheus-remote-write-samples-written': '0' } }
        : undefined;
    const { push, counted } = await started(t, receiver.url);
    const cycles = new Cycles(3);
    push(cycles.next());
    push(cycles.next());
    await until(async () => (await counted(SENT)) === 3);
    assert.equal(await counted(dropped(reason)), 3, reason);
    assert.equal(receiver.requests.length, 2);
  }
});

test('a partial write of 2.0 counts stored and rejected samples', async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  const { push, counted } = await started(t, receiver.url);
  const cycles = new Cycles(10);
  // Another sender is ahead for one series.
  push(cycles.next());
  await until(() => receiver.size === 10);
  const [ahead] = receiver.stored.values();
  ahead?.push({ value: 0, stampMs: 9_999_999, isStale: false });
  push(cycles.next());
  await until(async () => (await counted(dropped('out_of_order'))) === 1);
  assert.equal(await counted(SENT), 19);
  assert.equal(receiver.requests.length, 2);
});

test('requests that are too large are split, down to what the receiver accepts', async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  receiver.answer = ({ series }) => (series.length > 300 ? { code: 413, text: 'too large' } : undefined);
  const { push } = await started(t, receiver.url);
  push(new Cycles(4000).next());
  await until(() => receiver.size === 4000);
  assert.deepEqual(receiver.violations, []);
});

test('ended series get a marker after their last sample', async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  const { push, exporter } = await started(t, receiver.url);
  push(new Cycles(2).next());
  exporter.endSeries?.('node', { stampMs: 2000, keys: ['things_total{thing="t1"}'], lost: 0 });
  await until(() => [...receiver.stored.values()].some((samples) => samples.at(-1)?.isStale === true));
  const ended = [...receiver.stored].filter(([, samples]) => samples.at(-1)?.isStale === true);
  assert.deepEqual(
    ended.map(([key, samples]) => [new Map(JSON.parse(key)).get('thing'), samples.map(({ stampMs }) => stampMs)]),
    [['t1', [1000, 2000]]],
  );
});

test('all series that vanish at once get markers; those whose keys were too many to keep are counted', async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  const { exporter, counted, lines } = await started(t, receiver.url);
  const keys = Array.from({ length: 110_000 }, (_, index) => `it{pod="p${index}"}`);
  exporter.endSeries?.('node', { stampMs: 2000, keys, lost: 7 });
  await until(() => receiver.size === keys.length);
  assert.equal(await counted('firesteel_export_stale_markers_dropped_total{exporter="it",reason="too_many"}'), 7);
  assert.match(lines.join(''), /too many series vanished at once/);
});

test('an outage is replayed in order from disk and memory, including markers, also by the next process', {
  timeout: 120_000,
}, async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  receiver.answer = () => ({ code: 503 });
  const spool = join(scratchFolder(t), 'spool');
  // The spool drops batches older than six hours.
  const sinceMs = Date.now() - 60_000;
  const cycles = new Cycles(20, sinceMs);
  const first = await exporterTo(receiver.url, { queue: { cycles: 2 } }, 'remotewrite', { spoolPath: spool });
  first.exporter.start();
  for (let cycle = 1; cycle <= 10; cycle++) first.exporter.deliverSamples?.(cycles.next());
  await until(() => (first.exporter.status().spool?.bodies ?? 0) >= 7);
  await first.exporter.close(500);
  const second = await started(t, receiver.url, { queue: { cycles: 2 } }, spool);
  for (let cycle = 11; cycle <= 20; cycle++) second.push(cycles.next());
  second.exporter.endSeries?.('node', { stampMs: sinceMs + 20_000, keys: ['other{a="b"}'], lost: 0 });
  receiver.answer = () => undefined;
  await until(() => valuesOf(receiver).some((values) => values.length === 20));
  await until(() => receiver.size === 21);
  assert.deepEqual(receiver.violations, []);
  const expected = Array.from({ length: 20 }, (_, index) => index + 1).join();
  assert.equal(valuesOf(receiver).filter((values) => values.join() === expected).length, 20);
  assert.equal(await second.counted(dropped('out_of_order')), undefined);
});

test('an agent that may no longer push sends nothing more of it', async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  const { push, counted } = await started(t, receiver.url);
  push(new Cycles(5).next({ mayPush: () => false }));
  await until(async () => (await counted(dropped('not_master'))) === 5);
  assert.equal(receiver.requests.length, 0);
});

test('the next address takes over, whatever version it supports, and the first one when it is back', {
  timeout: 120_000,
}, async (t) => {
  const other = await RemoteWriteReceiver.start(t);
  other.speaksSecond = false;
  const url = `http://127.0.0.1:${await freePort()}/api/v1/write`;
  const { push, exporter } = await started(t, url, { failover: [other.url] });
  const cycles = new Cycles(3);
  push(cycles.next());
  await until(() => other.size === 3);
  assert.equal(exporter.status().url, other.url);
  assert.deepEqual(other.violations, []);
  assert.deepEqual(versionsOf(other), [2, 1]);
});

test('credentials come from their files and appear in no log', async (t) => {
  const receiver = await RemoteWriteReceiver.start(t);
  const file = join(scratchFolder(t), 'token');
  writeFileSync(file, 'hush-hush');
  const seen: string[] = [];
  receiver.answer = ({ headers }) => {
    seen.push(headers.authorization ?? '');
    return { code: 401, text: 'no' };
  };
  const { push, exporter, lines } = await started(t, receiver.url, { auth: { bearerTokenFile: file } });
  push(new Cycles(1).next());
  await until(() => exporter.status().state === 'paused');
  assert.deepEqual(seen, ['Bearer hush-hush']);
  assert.ok(!lines.join('').includes('hush-hush'));
});

test('a request that the receiver had stored before its response was lost is accepted without its zeros', async (t) => {
  for (const version of ['1.0', '2.0']) {
    const receiver = await RemoteWriteReceiver.start(t);
    const { push, counted } = await started(t, receiver.url, { version });
    const cycle = new Cycles(3, 1000).next({ births: [{ key: 'things_total{thing="t1"}', stampMs: 1500 }] });
    push(cycle);
    await until(async () => (await counted(SENT)) === 4);
    push(cycle);
    await until(async () => (await counted(SENT)) === 7);
    assert.equal(await counted(dropped('out_of_order')), undefined, version);
    assert.equal(receiver.requests.length, 3);
    assert.deepEqual(
      valuesOf(receiver).sort((one, other) => one.length - other.length),
      [[1], [1], [0, 1]],
    );
    assert.deepEqual(receiver.violations, []);
    // Another sender is ahead: without zeros it is refused as well, once, and counted.
    for (const samples of receiver.stored.values()) samples.push({ value: 0, stampMs: 9_999_999, isStale: false });
    push(cycle);
    await until(async () => (await counted(dropped('out_of_order'))) === 3);
    assert.equal(receiver.requests.length, 5);
  }
});
