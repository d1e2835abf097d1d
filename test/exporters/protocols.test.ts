import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs, retryAfterMs } from '../../src/base/backoff.ts';
import { pushgateway } from '../../src/exporters/pushgateway/pushgateway.ts';
import { vmagent } from '../../src/exporters/victoriametrics/vmagent.ts';

const plain = { job: 'node-exporter', instance: 'worker-1', labels: { cluster: 'prod' } };
const odd = { job: 'a/b', instance: '[::1]:9', labels: { metrics_path: '/metrics/cadvisor' } };

test('addresses of the text import', () => {
  const tail =
    '/api/v1/import/prometheus/metrics/job/node-exporter/instance/worker-1?timestamp=1700000000123&extra_label=cluster%3Dprod';
  assert.equal(vmagent.url('http://vm:8428', plain, 1700000000123), `http://vm:8428${tail}`);
  assert.equal(vmagent.url('http://vm:8428/api/v1/import/prometheus', plain, 1700000000123), `http://vm:8428${tail}`);
  assert.equal(
    vmagent.url('http://vminsert:8480/insert/0/prometheus', plain, 1700000000123),
    `http://vminsert:8480/insert/0/prometheus${tail}`,
  );
  const query = new URL(vmagent.url('http://vm:8428', odd, 5)).searchParams;
  assert.deepEqual(query.getAll('extra_label').sort(), [
    'instance=[::1]:9',
    'job=a/b',
    'metrics_path=/metrics/cadvisor',
  ]);
});

test('grouping keys of Pushgateway, base64 where a path would be split or redirected', () => {
  assert.equal(
    pushgateway.url('http://gw:9091', plain, 5),
    'http://gw:9091/metrics/job/node-exporter/instance/worker-1/cluster/prod',
  );
  assert.equal(
    pushgateway.url('http://gw:9091/prefix', odd, 5),
    'http://gw:9091/prefix/metrics/job@base64/YS9i/instance@base64/Wzo6MV06OQ/metrics_path@base64/L21ldHJpY3MvY2Fkdmlzb3I',
  );
  assert.match(pushgateway.url('http://gw', { ...plain, labels: { zone: '' } }, 5), /\/zone@base64\/=$/);
});

test('waits double from one second to one minute, half of them random', () => {
  const longest = [1, 2, 3, 6, 7, 100].map((attempt) => backoffMs(attempt, () => 0.999999));
  assert.deepEqual(longest, [1000, 2000, 4000, 32_000, 60_000, 60_000]);
  assert.equal(
    backoffMs(3, () => 0),
    2000,
  );
});

test('Retry-After in seconds or as a date, at most five minutes', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(retryAfterMs('7', now), 7000);
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000);
  assert.equal(retryAfterMs('Thu, 01 Jan 2020 00:00:30 GMT', now), 0);
  assert.equal(retryAfterMs('99999', now), 300_000);
  assert.equal(retryAfterMs('soon', now), undefined);
  assert.equal(retryAfterMs(undefined, now), undefined);
});
