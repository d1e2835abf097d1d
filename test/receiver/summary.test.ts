import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageText, byteRateText, countText, humanBytes, shareText } from '../../src/receiver/human.ts';
import { importText } from '../../src/receiver/import-text.ts';
import { routeOf } from '../../src/receiver/routes.ts';
import { ReceiverStore } from '../../src/receiver/store.ts';
import { summaryText } from '../../src/receiver/summary.ts';
import { NOW } from './client.ts';

const IMPORT = '/api/v1/import/prometheus';

/** Imports `text` as the target's push at this time. */
async function push(store: ReceiverStore, text: string, nowMs = NOW, job = 'node-exporter', instance = 'node-a') {
  const route = routeOf('POST', `${IMPORT}/metrics/job/${job}/instance/${instance}`);
  assert.ok(route.kind === 'import');
  const targets = await importText(store, route, text, nowMs);
  for (const target of targets) Object.assign(target, { textBytes: text.length, wireBytes: 99 });
}

/** A node whose counters have run for `seconds`. */
const node = (seconds: number): string => `node_load1 0.42
node_memory_MemTotal_bytes ${8 * 2 ** 30}
node_memory_MemAvailable_bytes ${6 * 2 ** 30}
node_filesystem_size_bytes{mountpoint="/boot"} 1
node_filesystem_size_bytes{mountpoint="/"} ${40 * 2 ** 30}
node_filesystem_free_bytes{mountpoint="/"} ${20 * 2 ** 30}
node_filesystem_avail_bytes{mountpoint="/"} ${10 * 2 ** 30}
node_cpu_seconds_total{cpu="0",mode="idle"} ${seconds * 0.5}
node_cpu_seconds_total{cpu="0",mode="user"} ${seconds * 0.5}
node_cpu_seconds_total{cpu="1",mode="idle"} ${seconds}
node_network_receive_bytes_total{device="eth0"} ${seconds * 1_200_000}
node_network_receive_bytes_total{device="lo"} ${seconds * 7e9}
node_network_transmit_bytes_total{device="eth0"} ${seconds * 950}
`;

test('the complete summary at 80 columns', async () => {
  const store = new ReceiverStore(NOW - 15_000);
  Object.assign(store.totals, { requests: 3, textBytes: 4096, wireBytes: 1024 });
  await push(store, node(100), NOW - 15_000);
  await push(store, node(115), NOW);
  await push(store, 'a 1\nbad{ 2\n', NOW, 'kubelet');
  assert.deepEqual(summaryText(store, NOW + 3000, 80).split('\n'), [
    'Firesteel receiver, up 18s',
    '3 pushes · 27 samples · 14 series · 10 families',
    '4 KiB text · 1 KiB on the wire (4.0x)',
    'bad lines: 1',
    '',
    'TARGET                VIA     SERIES  SAMPLES/S   TEXT  WIRE  AGE',
    'kubelet/node-a        import       1          -   11 B  99 B   3s',
    'node-exporter/node-a  import      13        0.9  630 B  99 B   3s',
    '',
    'NODE    LOAD1  CPU   MEM AVAIL      ROOT USED    NET IN  NET OUT',
    'node-a   0.42  25%  6 of 8 GiB  67% of 40 GiB  1.2 MB/s  950 B/s',
    '',
    'Last troubles:',
    '  3s ago: line 2: expected a label name at column 6',
    '',
  ]);
});

test('before the first push, and with missing values, the summary says so', async () => {
  const store = new ReceiverStore(NOW);
  assert.match(summaryText(store, NOW, 80), /^Nothing has been pushed yet\.$/m);
  await push(store, 'node_load1 1\n');
  assert.match(summaryText(store, NOW, 80), /^node-a +1\.00 {4}- +- +- +- +-$/m);
});

test('no line is wider than requested, and control characters do not reach the terminal', async () => {
  const store = new ReceiverStore(NOW);
  for (let index = 0; index < 25; index++) {
    await push(store, node(1), NOW, 'node-exporter', `a-node-with-quite-a-long-name-${index}%1b[31m.example.org`);
  }
  store.report(NOW, `${'long '.repeat(100)}\u001b[2J`);
  for (const width of [60, 80, 120]) {
    const text = summaryText(store, NOW, width);
    assert.deepEqual(
      text.split('\n').filter((line) => line.length > width),
      [],
    );
    assert.doesNotMatch(text, /\u001b/);
    assert.equal(text.match(/… and 5 more/g)?.length, 2);
  }
});

test('a counter that restarted grows from 0; an older sample does not replace a newer one', async () => {
  const store = new ReceiverStore(NOW);
  await push(store, node(1000), NOW);
  await push(store, node(10), NOW + 10_000);
  await push(store, node(9999), NOW - 60_000);
  assert.match(summaryText(store, NOW + 10_000, 80), /^node-a .* 25% .* 1\.2 MB\/s {2}950 B\/s$/m);
});

test('over the limit, the target that pushed least recently is evicted, then the oldest series of the only one', async () => {
  const store = new ReceiverStore(NOW, 3);
  await push(store, 'a 1\nb 2\n', NOW, 'j', 'old');
  await push(store, 'a 1\nb 2\n', NOW, 'j', 'new');
  const instances = () => [...store.targets].map(({ labels }) => labels.get('instance'));
  assert.deepEqual([instances(), store.seriesCount, store.totals.droppedSeries], [['new'], 2, 2]);
  await push(store, 'c 3\nd 4\n', NOW, 'j', 'new');
  assert.deepEqual([store.seriesCount, store.totals.droppedSeries], [3, 3]);
  assert.deepEqual([...([...store.targets][0]?.families.keys() ?? [])], ['b', 'c', 'd']);
});

test('series that a target has not pushed for five minutes vanish, as in VictoriaMetrics', async () => {
  const store = new ReceiverStore(NOW);
  await push(store, 'a 1\nb 2\n', NOW);
  await push(store, 'a 1\n', NOW + 200_000);
  assert.equal(store.seriesCount, 2);
  await push(store, 'a 1\n', NOW + 301_000);
  assert.equal(store.seriesCount, 1);
});

test('human-readable numbers', () => {
  assert.deepEqual([0, 1023, 1024, 1535, 102_400, 1.5 * 2 ** 40].map(humanBytes), [
    '0 B',
    '1023 B',
    '1 KiB',
    '1.5 KiB',
    '100 KiB',
    '1.5 TiB',
  ]);
  assert.deepEqual([999, 1000, 12_345, 999_950, 2e9].map(countText), ['999', '1k', '12.3k', '1.0M', '2G']);
  assert.deepEqual([0, 0.5, 1.25e6].map(byteRateText), ['0 B/s', '0.5 B/s', '1.3 MB/s']);
  assert.deepEqual([999, 61_000, 3_700_000, 90_000_000].map(ageText), ['0s', '1m01s', '1h01m', '1d01h']);
  assert.equal(shareText(512 * 2 ** 20, 8.5 * 2 ** 30), '0.5 of 8.5 GiB');
});
