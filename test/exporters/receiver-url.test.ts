import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exporterSection } from '../../src/exporters/index.ts';

const problemOf = (type: string, url: string): string | undefined =>
  exporterSection.safeParse({ type, url }).error?.issues[0]?.message;

const WRONG: Readonly<Record<string, readonly string[]>> = {
  vmagent: [
    '/api/v1/write',
    '/api/v1/write/',
    '/prometheus/api/v1/write',
    '/insert/0/prometheus/api/v1/write',
    '//api/v1/write',
    '/api/v1/import',
    '/api/v1/import/csv',
    '/api/v1/import/native',
    '/api/v1/import/prometheus/metrics/job/x',
    '/select/0/prometheus',
    '/select/0/prometheus/api/v1/query',
    '/api/v1/query',
    '/insert/0',
    '/insert/12:3',
    '/insert/multitenant',
    '/metrics',
    '/metrics/job/agent',
    '/gateway/metrics/job/agent/instance/a',
    '/vmui',
    '/vmui/',
    '/influx/write',
    '/-/healthy',
  ],
  pushgateway: [
    '/metrics',
    '/metrics/',
    '/metrics/job/agent',
    '/metrics/job@base64/YQ',
    '/prefix/metrics/job/agent',
    '/api/v1/import/prometheus',
    '/api/v1/import',
    '/api/v1/write',
    '/insert/0/prometheus',
    '/select/0/prometheus',
    '/vmui',
    '/api/v1/metrics',
    '/api/v1/query',
    '/-/ready',
  ],
};

const RIGHT: Readonly<Record<string, readonly string[]>> = {
  vmagent: [
    '',
    '/',
    '/prometheus',
    '/api/v1/import/prometheus',
    '/api/v1/import/prometheus/',
    '/insert/0/prometheus',
    '/insert/12:3/prometheus/api/v1/import/prometheus',
    '/insert/multitenant/prometheus',
    '/team/metrics-store',
    '/writer',
  ],
  pushgateway: ['', '/', '/gateway', '/metrics-gateway', '/team/a/'],
};

test('paths that are known not to accept pushes of the type are refused, with advice', () => {
  for (const [type, paths] of Object.entries(WRONG)) {
    for (const path of paths) {
      assert.match(problemOf(type, `http://host:1${path}`) ?? 'ok', new RegExp(`type ${type}; `), `${type} ${path}`);
    }
  }
});

test('all others are accepted', () => {
  for (const [type, paths] of Object.entries(RIGHT)) {
    for (const path of paths) assert.equal(problemOf(type, `https://host${path}`), undefined, `${type} ${path}`);
  }
});

test('no message quotes a possible secret', () => {
  const urls = ['http://u:s3cret@h', 'http://h?s3cret', 'http://h/#s3cret', 'http://h:s3cret/', 'ftp://h?s3cret'];
  for (const url of urls) {
    const message = problemOf('vmagent', url);
    assert.ok(message && !message.includes('s3cret'), `${url}: ${message}`);
  }
});

test('a URL is used as parsed', () => {
  const urlOf = (url: string) => exporterSection.parse({ type: 'vmagent', url }).url;
  assert.equal(urlOf('HTTPS://VM.Example:443/a//'), 'https://vm.example/a');
  assert.equal(urlOf(' http://vm:80 '), 'http://vm');
  assert.equal(urlOf('http://[::1]:8428'), 'http://[::1]:8428');
});
