import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText, scopeOf } from '../../src/host/ip-address.ts';

// As in Go's net.IP: the text, and the scope that node_exporter derives from it.
const CASES = [
  ['7f000001', '127.0.0.1', 'link-local'],
  ['a9fe0102', '169.254.1.2', 'link-local'],
  ['e00000fb', '224.0.0.251', 'link-local'],
  ['e1000001', '225.0.0.1', ''],
  ['00000000', '0.0.0.0', ''],
  ['ffffffff', '255.255.255.255', ''],
  ['0a010001', '10.1.0.1', 'global'],
  ['00000000000000000000000000000001', '::1', 'link-local'],
  ['00000000000000000000000000000000', '::', ''],
  ['fe8000000000000000fc00fffe000001', 'fe80::fc:ff:fe00:1', 'link-local'],
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1', 'global'],
  ['ff010000000000000000000000000001', 'ff01::1', 'interface-local'],
  ['ff020000000000000000000000000001', 'ff02::1', 'link-local'],
  ['ff0e0000000000000000000000000001', 'ff0e::1', ''],
  ['00000000000000000000ffffc0000201', '192.0.2.1', 'global'],
  ['0102', '', undefined],
] as const;

for (const [hex, text, scope] of CASES) {
  test(`${hex} is ${text || 'no address'}${scope === undefined ? '' : `, scope "${scope}"`}`, () => {
    assert.equal(addressText(Buffer.from(hex, 'hex')), text);
    if (scope !== undefined) assert.equal(scopeOf(Buffer.from(hex, 'hex')), scope);
  });
}
