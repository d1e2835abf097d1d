import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeReport } from '../../../src/collectors/node/report.ts';
import type { CollectorResult } from '../../../src/metrics/outcome.ts';

const of = (collector: string, rest: object): CollectorResult =>
  ({
    group: 'node',
    collector,
    errors: [],
    withheld: [],
    durationSeconds: 0.5,
    samples: 1,
    ...rest,
  }) as unknown as CollectorResult;

test('status of the node collectors, and the version reported as node_exporter', () => {
  const { keys, values } = nodeReport('1.2.3')([
    of('cpu', { outcome: 'ok' }),
    of('zfs', { outcome: 'nodata', reason: 'no ZFS' }),
    of('arp', { outcome: 'nodata', isEmpty: true, reason: 'no entry' }),
    of('stat', { outcome: 'fault', reason: 'EIO' }),
    of('cpu', { group: 'container', outcome: 'ok' }),
  ]);
  const samples = Object.fromEntries(keys.map((key, index) => [key, values[index]]));
  assert.deepEqual(
    ['cpu', 'zfs', 'arp', 'stat'].map((name) => samples[`node_scrape_collector_success{collector="${name}"}`]),
    [1, 0, 1, 0],
  );
  assert.equal(samples['node_scrape_collector_duration_seconds{collector="cpu"}'], 0.5);
  const version =
    'node_exporter_build_info{branch="",goarch="",goos="",goversion="",revision="",tags="",version="firesteel-1.2.3"}';
  assert.equal(samples[version], 1);
  assert.equal(keys.length, 4 * 2 + 1);
});

test('without node collectors their version is not exposed', () => {
  assert.deepEqual(nodeReport('1.2.3')([of('cpu', { group: 'container', outcome: 'ok' })]).keys, []);
});
