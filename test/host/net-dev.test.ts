import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NET_DEVICE_COUNTERS, parseNetDev } from '../../src/host/net-dev.ts';

/** A file with one line per device, whose counters are `first`, `first` + 1… */
const file = (devices: Readonly<Record<string, number>>): string =>
  ['Inter-|   Receive', ' face |bytes', ...Object.entries(devices).map(([name, first]) => line(name, first))].join(
    '\n',
  );

const line = (name: string, first: number): string =>
  `${name}: ${NET_DEVICE_COUNTERS.map((_, index) => first + index).join(' ')}`;

const lost: string[] = [];
const losses = { lose: (_: string, cause: unknown) => void lost.push(String(cause)) };
const parse = (text: string, spent?: ReturnType<typeof parseNetDev>) =>
  parseNetDev(losses, '/proc/net/dev', text, (name) => name !== 'lo', spent);

test('the devices of an earlier reading are overwritten, those with other names created', () => {
  const [eth0, eth1] = parse(file({ lo: 1, eth0: 100, eth1: 200 }));
  assert.ok(eth0 && eth1);
  assert.deepEqual([eth0.receiveBytes, eth0.transmitCompressed, eth1.receiveBytes], [100, 115, 200]);
  const again = parse(file({ eth0: 5e9, eth1: 300 }), [eth0, eth1]);
  assert.ok(again[0] === eth0 && again[1] === eth1);
  assert.deepEqual([eth0.receiveBytes, eth0.receivePackets, eth1.transmitCompressed], [5e9, 5e9 + 1, 315]);
  const others = parse(file({ eth1: 400, eth0: 500 }), again);
  assert.deepEqual(
    others.map(({ name, receiveBytes }) => [name, receiveBytes]),
    [
      ['eth1', 400],
      ['eth0', 500],
    ],
  );
  assert.equal(eth0.receiveBytes, 5e9, 'what is not at the same place stays as it was');
  assert.deepEqual(lost, []);
});

test('a malformed line leaves the device of the earlier reading as it was', () => {
  const [eth0] = parse(file({ eth0: 100 }));
  assert.ok(eth0);
  assert.deepEqual(parse(`${file({})}\neth0: 7 x`, [eth0]), []);
  assert.deepEqual(parse(`${file({})}\neth0: 7 8`, [eth0]), []);
  assert.equal(eth0.receiveBytes, 100);
  assert.equal(lost.splice(0).length, 2);
});
