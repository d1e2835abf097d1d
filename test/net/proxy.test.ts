import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFor } from '../../src/net/proxy.ts';

const PROXY = { HTTP_PROXY: 'http://proxy:3128', HTTPS_PROXY: 'http://secure:3129' };
const chosen = (url: string, env: NodeJS.ProcessEnv) => proxyFor(new URL(url), env)?.shown;

/** NO_PROXY, a URL, and whether it is reached directly; as in golang.org/x/net/http/httpproxy and curl. */
const CASES: readonly (readonly [noProxy: string, url: string, isDirect: boolean])[] = [
  ['', 'http://10.1.2.3:8428', false],
  ['10.0.0.0/8', 'http://10.1.2.3:8428', true],
  ['10.0.0.0/8', 'http://11.1.2.3:8428', false],
  [' 192.168.0.0/16 , 10.0.0.0/8', 'https://10.1.2.3', true],
  ['10.1.2.3', 'http://10.1.2.3:8428', true],
  ['10.1.2.3:8428', 'http://10.1.2.3:8428', true],
  ['10.1.2.3:80', 'http://10.1.2.3:8428', false],
  ['10.1.2.3:80', 'http://10.1.2.3', true],
  ['10.1.2.0/24', 'http://name.of.10.1.2.0.example', false],
  ['cluster.local', 'http://vm.monitoring.svc.cluster.local:8428', true],
  ['cluster.local', 'http://cluster.local', true],
  ['cluster.local', 'http://mycluster.local', false],
  ['.cluster.local', 'http://vm.monitoring.svc.cluster.local:8428', true],
  ['.cluster.local', 'http://cluster.local', false],
  ['*.cluster.local', 'http://vm.cluster.local', true],
  ['*.cluster.local', 'http://cluster.local', false],
  ['cluster.local', 'http://vm.cluster.local.:8428', true],
  ['CLUSTER.Local', 'http://VM.cluster.LOCAL', true],
  ['vm.example:8428', 'http://vm.example:8428', true],
  ['vm.example:8428', 'http://vm.example:9', false],
  ['vm.example:443', 'https://vm.example', true],
  ['*', 'https://anything.example', true],
  ['other, *', 'https://anything.example', true],
  ['::1', 'http://[2001:db8::1]:8428', false],
  ['2001:db8::/32', 'http://[2001:db8::1]:8428', true],
  ['2001:db8::1', 'http://[2001:DB8:0::1]:8428', true],
  ['[2001:db8::1]', 'http://[2001:db8::1]:8428', true],
  ['[2001:db8::1]:8428', 'http://[2001:db8::1]:8428', true],
  ['[2001:db8::1]:1', 'http://[2001:db8::1]:8428', false],
  ['10.0.0.0/8', 'http://[2001:db8::1]:8428', false],
  ['10.0.0.0/99', 'http://10.1.1.1', false],
  [':80', 'http://10.1.1.1', false],
  ['example', 'http://10.1.1.1', false],
];

test('NO_PROXY supports networks, addresses, domains with and without dot, ports and *', () => {
  for (const [NO_PROXY, url, isDirect] of CASES) {
    assert.equal(chosen(url, { ...PROXY, NO_PROXY }) === undefined, isDirect, `NO_PROXY="${NO_PROXY}" ${url}`);
    assert.equal(
      chosen(url, { ...PROXY, no_proxy: NO_PROXY }) === undefined,
      isDirect,
      `no_proxy="${NO_PROXY}" ${url}`,
    );
  }
});

test('this host is never reached through a proxy', () => {
  for (const host of ['127.0.0.1', '127.8.9.1', 'localhost', 'LOCALHOST', 'localhost.', '[::1]', '[0:0:0:0:0:0:0:1]']) {
    assert.equal(chosen(`http://${host}:8428`, PROXY), undefined, host);
  }
  assert.equal(chosen('http://localhost.example', PROXY), 'http://proxy:3128');
});

test('each scheme has its variable, upper case first', () => {
  assert.equal(chosen('http://vm', PROXY), 'http://proxy:3128');
  assert.equal(chosen('https://vm', PROXY), 'http://secure:3129');
  assert.equal(chosen('https://vm', { HTTP_PROXY: 'http://proxy:3128' }), undefined);
  assert.equal(chosen('http://vm', { http_proxy: 'http://small:1' }), 'http://small:1');
  assert.equal(chosen('http://vm', { HTTP_PROXY: 'http://big:1', http_proxy: 'http://small:1' }), 'http://big:1');
  assert.equal(chosen('http://vm', { HTTP_PROXY: '', http_proxy: 'http://small:1' }), 'http://small:1');
  assert.equal(chosen('http://vm', { ALL_PROXY: 'http://all:1' }), undefined);
});

test('a proxy without a scheme uses http', () => {
  for (const [given, shown] of [
    ['127.0.0.1:3128', 'http://127.0.0.1:3128'],
    ['proxy:3128', 'http://proxy:3128'],
    ['proxy', 'http://proxy'],
    ['[::1]:3128', 'http://[::1]:3128'],
    ['user:secret@proxy:3128', 'http://proxy:3128'],
    ['https://user:secret@proxy', 'https://proxy'],
  ] as const) {
    assert.equal(chosen('http://vm', { HTTP_PROXY: given }), shown);
  }
});

test('an invalid proxy is named by its variable, without its value', () => {
  for (const HTTP_PROXY of ['socks5://user:s3cret@proxy:1080', 'http://', 'http://user:s3cret@:80', 'ftp://proxy']) {
    assert.throws(
      () => chosen('http://vm', { HTTP_PROXY }),
      (cause: Error) => /^HTTP_PROXY: expected a proxy/.test(cause.message) && !cause.message.includes('s3cret'),
    );
  }
  assert.equal(chosen('http://127.0.0.1', { HTTP_PROXY: 'socks5://proxy' }), undefined, 'not needed for this host');
});
