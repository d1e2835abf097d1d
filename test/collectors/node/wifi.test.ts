import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { addWireless, wifi } from '../../../src/collectors/node/wifi.ts';
import { genericFamily } from '../../../src/host/generic-netlink.ts';
import { Host } from '../../../src/host/host.ts';
import { putU16, putU32, putU64, u32 } from '../../../src/host/native.ts';
import { attribute, encodeAttribute, NetlinkError } from '../../../src/host/netlink.ts';
import { type DumpKind, Netlink } from '../../../src/host/netlink-socket.ts';
import { decodeNetwork, decodeStation } from '../../../src/host/nl80211.ts';
import { DEFAULT_PATHS } from '../../../src/host/paths.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixture } from '../../kit/host-tree.ts';
import { difference, samplesOf } from '../../kit/samples.ts';

// Test machines have no wireless device: node_exporter's recorded devices are encoded as the kernel's messages.

const FAMILY = 30;
const HEADER = Buffer.alloc(4);
const u32Attribute = (type: number, value: number) => {
  const bytes = Buffer.alloc(4);
  putU32(bytes, 0, value);
  return encodeAttribute(type, bytes);
};
const u64Attribute = (type: number, value: number) => {
  const bytes = Buffer.alloc(8);
  putU64(bytes, 0, BigInt(value));
  return encodeAttribute(type, bytes);
};
const rateAttribute = (type: number, bits: number) => encodeAttribute(type, u32Attribute(5, bits / 100_000));
const payload = (...attributes: Buffer[]) => Buffer.concat([HEADER, ...attributes]);
const recorded = (path: string) => JSON.parse(readFileSync(fixture(`node/wifi/${path}`), 'utf8'));

interface RecordedStation extends Record<string, number | string> {
  readonly hardwareaddr: string;
}

function stationBody(station: RecordedStation): Buffer {
  const number = (key: string) => Number(station[key] ?? 0);
  const signal = Buffer.from([number('signal') & 0xff]);
  return payload(
    encodeAttribute(6, Buffer.from(station.hardwareaddr, 'base64')),
    encodeAttribute(
      21 | 0x8000,
      Buffer.concat([
        u32Attribute(1, number('inactive') / 1e6),
        u32Attribute(2, 77),
        u64Attribute(23, 0),
        u64Attribute(24, 0),
        encodeAttribute(7, signal),
        rateAttribute(8, number('transmitbitrate')),
        u32Attribute(9, 0),
        u32Attribute(10, 0),
        u32Attribute(11, number('transmitretries')),
        u32Attribute(12, number('transmitfailed')),
        rateAttribute(14, number('receivebitrate')),
        u32Attribute(16, number('connected') / 1e9),
        u32Attribute(18, number('beaconloss')),
      ]),
    ),
  );
}

function networkBody(bss: { ssid: string; bssid: string; status: number }): Buffer {
  const ssid = Buffer.from(bss.ssid);
  const elements = Buffer.concat([Buffer.from([48, 1, 9, 0, ssid.length]), ssid]);
  return payload(
    encodeAttribute(
      47,
      Buffer.concat([
        encodeAttribute(1, Buffer.from(bss.bssid, 'base64')),
        encodeAttribute(6, elements),
        u32Attribute(9, bss.status),
      ]),
    ),
  );
}

/** Another network from a scan. */
const STRANGER = payload(encodeAttribute(47, encodeAttribute(1, Buffer.alloc(6, 9))));

/** Responds like the kernel: the second device, an access point of a driver without stations, supports neither query. */
function kernel({ type, header }: DumpKind, take: (payload: Buffer) => void): void {
  assert.equal(type, FAMILY);
  const index = attribute(header, 4, 3);
  if (header[0] === 5) {
    for (const [at, device] of recorded('interfaces.json').entries()) {
      const name = device.name === undefined ? [] : [encodeAttribute(4, Buffer.from(`${device.name}\0`))];
      const frequency = device.frequency === undefined ? [] : [u32Attribute(38, device.frequency)];
      take(payload(u32Attribute(3, at + 1), ...name, ...frequency));
    }
    return;
  }
  if (index === undefined || u32(index, 0) !== 1) throw new NetlinkError('the kernel returned ENOTSUP', 'ENOTSUP');
  if (header[0] === 32) for (const one of [STRANGER, networkBody(recorded('wlan0/bss.json'))]) take(one);
  else if (header[0] === 17) for (const one of recorded('wlan0/stationinfo.json')) take(stationBody(one));
  else assert.fail(`no such command: ${header[0]}`);
}

test("node_exporter's recorded devices, networks and peers", () => {
  const out = new Snapshot();
  addWireless(out, FAMILY, kernel);
  assert.deepEqual(out.errors, []);
  const expected =
    readFileSync(fixture('node/expected.prom'), 'utf8')
      .match(/^node_wifi_.*\n/gm)
      ?.join('') ?? '';
  const lines = out.keys.map((key, index) => `${key} ${out.values[index]}\n`);
  assert.deepEqual(difference(samplesOf(lines.join('')), samplesOf(expected)), []);
  assert.equal(out.size, 27);
});

test('an error in one query affects only the data of that query on that device', () => {
  const out = new Snapshot();
  addWireless(out, FAMILY, (kind, take) => {
    if (kind.header[0] === 32) throw new NetlinkError('the kernel returned EPERM', 'EPERM');
    kernel(kind, take);
  });
  assert.deepEqual(
    out.errors.map(({ message }) => message),
    ['wlan0: network: the kernel returned EPERM', 'wlan1: network: the kernel returned EPERM'],
  );
  assert.equal(out.size, 26);
});

test('what a driver does not report is missing; old kernels have narrow counters', () => {
  const short = Buffer.alloc(2);
  putU16(short, 0, 540);
  const info = Buffer.concat([u32Attribute(2, 4_000_000_000), encodeAttribute(8, encodeAttribute(1, short))]);
  const station = decodeStation(
    payload(encodeAttribute(6, Buffer.from('0102030405ff', 'hex')), encodeAttribute(21, info)),
  );
  assert.deepEqual(
    Object.entries(station ?? {}).filter(([, value]) => value !== undefined),
    [
      ['macAddress', '01:02:03:04:05:ff'],
      ['transmitBitsPerSecond', 54_000_000],
      ['receiveBytes', 4_000_000_000],
    ],
  );
  assert.equal(decodeStation(payload(u32Attribute(3, 1))), undefined);
});

test('SSIDs that are truncated, hidden or not text', () => {
  const network = (elements: readonly number[]) =>
    decodeNetwork(
      payload(encodeAttribute(47, Buffer.concat([encodeAttribute(6, Buffer.from(elements)), u32Attribute(9, 7)]))),
    );
  assert.deepEqual(network([]), { bssid: '', ssid: '', mode: 'unknown' });
  assert.equal(network([0, 0])?.ssid, '');
  assert.equal(network([1, 200, 5])?.ssid, '');
  assert.equal(network([0, 9, 65, 66])?.ssid, 'AB');
  assert.equal(network([0, 1, 0xff])?.ssid, '\ufffd');
});

test('the family number is looked up in the list of the running kernel', (context) => {
  const netlink = new Netlink(new Host(DEFAULT_PATHS));
  if (!netlink.usable) return context.skip('netlink cannot be used here');
  assert.equal(genericFamily(netlink, 'nlctrl'), 16, 'the one family with a fixed number');
  assert.equal(genericFamily(netlink, 'no-such-family'), undefined);
});

test('without wireless hardware there is no data, with the reason', async (context) => {
  const { result } = await collectOnce(wifi, DEFAULT_PATHS);
  if (result.outcome === 'ok' || result.outcome === 'partial')
    return context.skip('this machine has wireless hardware');
  assert.equal(result.outcome, 'nodata', result.reason ?? '');
});
