import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeniedAddresses, parseRange } from '../../src/net/denied.ts';

const denied = new DeniedAddresses(['169.254.0.0/16', 'fd00:ec2::254/128', '10.0.0.7']);

test('addresses in a denied range are refused, also as IPv4-mapped IPv6 and with a zone', () => {
  for (const address of ['169.254.169.254', '::ffff:169.254.1.1', '::ffff:a9fe:a9fe', 'fd00:ec2::254', '10.0.0.7']) {
    assert.throws(() => denied.check(address), /is in the denied range/, address);
  }
  for (const address of ['169.253.0.1', '10.0.0.8', 'fd00:ec2::255', '::1', 'a.name']) {
    denied.check(address);
  }
  assert.throws(() => new DeniedAddresses(['fe80::/10']).check('fe80::1%eth0'), /is in the denied range fe80::\/10/);
});

test('ranges are addresses with at most as many bits as they have', () => {
  assert.deepEqual(parseRange('10.0.0.0/8'), { address: '10.0.0.0', bits: 8 });
  assert.deepEqual(parseRange('::1'), { address: '::1', bits: 128 });
  for (const bad of ['', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.0/8/8', 'host', '10.0.0.0/-1', 'fe80::1%eth0']) {
    assert.equal(parseRange(bad), undefined, bad);
  }
});

test('a refusal names the setting to change', () => {
  const fromApi = new DeniedAddresses(['169.254.0.0/16'], ['127.0.0.0/8', '169.254.0.0/16']);
  assert.throws(() => fromApi.check('127.0.0.1'), /127\.0\.0\.0\/8: see taskRunner\.allowFromApi/);
  assert.throws(() => fromApi.check('169.254.169.254'), /169\.254\.0\.0\/16: see taskRunner\.denyAddresses/);
});
