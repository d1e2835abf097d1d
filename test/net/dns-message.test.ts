import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { ipText } from '../../src/base/ip-text.ts';
import { certificateFacts } from '../../src/net/certificate.ts';
import { derValues } from '../../src/net/der.ts';
import { DnsFormatError, decodeAnswer, encodeQuestion, isDnsName, recordType } from '../../src/net/dns-message.ts';
import { addressBytes, literalAddress } from '../../src/net/literal-address.ts';
import { certificate } from '../kit/probe-servers.ts';

const QUESTION = encodeQuestion({ id: 0x1234, name: 'www.a.example', type: 1, class: 'IN', wantsRecursion: true });

/** A response to the query with one record of each kind, with compressed names. */
function answerWith(records: readonly (readonly [type: number, data: Buffer])[]): Buffer {
  const head = Buffer.from(QUESTION);
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(records.length, 6);
  const parts = records.map(([type, data]) => {
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(300, 6);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([head, ...parts]);
}

const POINTER = Buffer.from([0xc0, 0x10]);
const numbers = (...values: readonly number[]) =>
  Buffer.concat(values.map((value) => Buffer.from(value.toString(16).padStart(8, '0'), 'hex')));
const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);

const RECORDS: readonly (readonly [number, Buffer, string])[] = [
  [1, Buffer.from([192, 0, 2, 1]), 'A\t192.0.2.1'],
  [28, Buffer.from(addressBytes({ address: '2001:db8::1', family: 6 })), 'AAAA\t2001:db8::1'],
  [5, POINTER, 'CNAME\ta.example.'],
  [2, Buffer.concat([text('ns'), POINTER]), 'NS\tns.a.example.'],
  [15, Buffer.concat([Buffer.from([0, 10]), POINTER]), 'MX\t10 a.example.'],
  [33, Buffer.concat([Buffer.from([0, 1, 0, 2, 0, 80]), POINTER]), 'SRV\t1 2 80 a.example.'],
  [16, Buffer.concat([text('v=spf1 "x"'), text('caf\xe9')]), 'TXT\t"v=spf1 \\"x\\"" "caf\\233"'],
  [6, Buffer.concat([POINTER, POINTER, numbers(2026, 1, 2, 3, 4)]), 'SOA\ta.example. a.example. 2026 1 2 3 4'],
  [257, Buffer.concat([Buffer.from([0]), text('issue'), Buffer.from('ca.example')]), 'CAA\t0 issue "ca.example"'],
  [65280, Buffer.from([1, 2]), 'TYPE65280\t\\# 2 0102'],
];

test('records of all kinds in the presentation format', () => {
  const { id, rcode, answer } = decodeAnswer(answerWith(RECORDS.map(([type, data]) => [type, data] as const)));
  assert.equal(id, 0x1234);
  assert.equal(rcode, 'NOERROR');
  assert.deepEqual(
    answer.map((record) => record.text),
    RECORDS.map(([, , shown]) => `www.a.example.\t300\tIN\t${shown}`),
  );
  assert.equal(answer.find(({ type }) => type === 'SOA')?.serial, 2026);
});

test('damaged messages are format errors, whatever is damaged', () => {
  const whole = answerWith(RECORDS.map(([type, data]) => [type, data] as const));
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  let read = 0;
  for (let round = 0; round < 5000; round++) {
    const damaged = Buffer.from(whole.subarray(0, round % 3 === 0 ? random(whole.length) : whole.length));
    for (let count = random(4); count > 0 && damaged.length > 0; count--) damaged[random(damaged.length)] = random(256);
    try {
      decodeAnswer(damaged);
      read++;
    } catch (cause) {
      assert.ok(cause instanceof DnsFormatError, String(cause));
    }
  }
  assert.ok(read > 0 && read < 5000);
});

test('names and types that can be queried', () => {
  for (const good of ['a', 'a.example.', '_dmarc.a.example', '.', `${'a'.repeat(63)}.b`])
    assert.ok(isDnsName(good), good);
  for (const bad of ['a..b', '.a', `${'a'.repeat(64)}.b`, 'a.'.repeat(130)]) assert.ok(!isDnsName(bad), bad);
  assert.deepEqual(['A', 'HTTPS', 'TYPE70000', 'NOPE'].map(recordType), [1, 65, undefined, undefined]);
});

test('damaged certificates are range errors', () => {
  const { raw } = new X509Certificate(certificate('odd-names').cert);
  const [whole] = derValues(raw);
  assert.ok(whole);
  for (let at = 0; at < raw.length; at++) {
    const damaged = Buffer.from(raw);
    damaged[at] = 0xff;
    try {
      certificateFacts({ raw: damaged, fingerprint256: 'AA:BB' } as X509Certificate);
    } catch (cause) {
      assert.ok(cause instanceof RangeError, String(cause));
    }
  }
});

test('addresses in all forms, and names that only look like one', () => {
  const forms: Readonly<Record<string, string | undefined>> = {
    '127.0.0.1': '127.0.0.1',
    '[::1]': '::1',
    'fe80::1%eth0': 'fe80::1%eth0',
    '127.1': '127.0.0.1',
    '0x7f000001': '127.0.0.1',
    '017700000001': '127.0.0.1',
    '4294967296': undefined,
    '1.2.3.4.5': undefined,
    'a.example': undefined,
    '1e3': undefined,
    '': undefined,
  };
  for (const [form, expected] of Object.entries(forms)) assert.equal(literalAddress(form)?.address, expected, form);
  for (const address of ['::', '::1', '2001:db8::8a2e:370:7334', 'fd00:ec2::254', 'ff02::1:2']) {
    assert.equal(ipText(addressBytes({ address, family: 6 })), address);
  }
});
