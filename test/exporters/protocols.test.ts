import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs, retryAfterMs } from '../../src/base/backoff.ts';
import { type AttemptResult, ruleFor } from '../../src/exporters/http/responses.ts';
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

const answered = (code: AttemptResult['code'], text = '', failure?: AttemptResult['failure']): AttemptResult =>
  failure ? { code, text, failure } : { code, text };

test('responses of VictoriaMetrics and vmagent', () => {
  const cases: [AttemptResult, action: string, reason: string][] = [
    [answered(204), 'done', 'ok'],
    [answered(302), 'pause', 'redirect'],
    [answered(400, 'cannot read a block of data: unexpected EOF'), 'retry', 'transport'],
    [answered(400, 'too long line: more than 262144 bytes'), 'drop', 'rejected'],
    [answered(400, 'unsupported contentType: "zstd"'), 'pause', 'encoding'],
    [answered(415), 'pause', 'encoding'],
    [answered(401), 'pause', 'auth'],
    [answered(404), 'pause', 'path'],
    [answered(413), 'split', 'too_large'],
    [answered(429), 'retry', 'busy'],
    [answered(503), 'retry', 'server_error'],
    [answered('error', 'ECONNREFUSED', 'network'), 'retry', 'network'],
    [answered('error', '', 'timeout'), 'retry', 'timeout'],
    [answered(418), 'pause', 'refused'],
    [answered(100), 'pause', 'refused'],
  ];
  for (const [answer, action, reason] of cases) {
    const rule = ruleFor(vmagent.responses, answer);
    assert.deepEqual([rule.action, rule.reason], [action, reason], JSON.stringify(answer));
  }
});

test('responses of Pushgateway', () => {
  const cases: [AttemptResult, action: string, reason: string][] = [
    [answered(200), 'done', 'ok'],
    [answered(202), 'done', 'unchecked'],
    [answered(301), 'pause', 'redirect'],
    [answered(400, 'collected metric x is not a COUNTER'), 'narrow', 'type_conflict'],
    [answered(400, 'text format parsing error in line 2'), 'narrow', 'rejected'],
    [answered(400, 'text format parsing error in line 1: invalid metric name'), 'pause', 'encoding'],
    [answered('error', 'ECONNRESET: socket hang up', 'network'), 'narrow', 'network'],
    [answered('error', 'ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:9091', 'network'), 'retry', 'network'],
    [answered(403), 'pause', 'auth'],
    [answered(500), 'retry', 'server_error'],
    [answered(503), 'retry', 'server_error'],
    [answered('error', '', 'timeout'), 'drop', 'timeout'],
  ];
  for (const [answer, action, reason] of cases) {
    const rule = ruleFor(pushgateway.responses, answer);
    assert.deepEqual([rule.action, rule.reason], [action, reason], JSON.stringify(answer));
  }
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
