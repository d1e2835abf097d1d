import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeDriverInfo, decodeSettings, decodeStatistics } from '../../src/host/ethtool.ts';
import { decodeTcpSocket } from '../../src/host/inet-diag.ts';
import { putU16, putU32, u32 } from '../../src/host/native.ts';
import { eachMessage, encodeAttribute, NetlinkError } from '../../src/host/netlink.ts';
import { decodeNetwork, decodeStation, decodeWirelessDevice } from '../../src/host/nl80211.ts';
import { decodeQdisc } from '../../src/host/qdisc.ts';
import { decodeRoute } from '../../src/host/route.ts';
import { decodeAddress, decodeLink, decodeNeighbour } from '../../src/host/rtnetlink.ts';
import { fixture } from '../kit/host-tree.ts';
import { type Random, randomFrom } from '../kit/random.ts';

// Responses of the kernel with wrong bytes: no error other than NetlinkError, no different result from the messages before
// the damage, no endless loop.

const SEED = process.env.FUZZ_SEED ?? '1';
const ROUNDS = 400;

const recording = (name: string): Buffer => readFileSync(fixture(`syscalls/${name}`));

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  putU32(bytes, 0, value);
  return bytes;
};

/** A dump of three messages of nl80211, for which there is no recording. */
function wireless(...attributes: readonly Buffer[]): Buffer {
  const payload = Buffer.concat([Buffer.alloc(4), ...attributes]);
  const header = Buffer.alloc(16);
  putU32(header, 0, header.length + payload.length);
  putU16(header, 4, 30);
  const message = Buffer.concat([header, payload]);
  return Buffer.concat([message, message, message]);
}

const MAC = Buffer.from('020000000001', 'hex');
const DEVICE = wireless(
  encodeAttribute(3, number(1)),
  encodeAttribute(4, Buffer.from('wlan0\0')),
  encodeAttribute(38, number(2412)),
);
const NETWORK = wireless(
  encodeAttribute(
    47,
    Buffer.concat([
      encodeAttribute(1, MAC),
      encodeAttribute(6, Buffer.from([0, 4, 104, 111, 109, 101])),
      encodeAttribute(9, number(1)),
    ]),
  ),
);
const STATION = wireless(
  encodeAttribute(6, MAC),
  encodeAttribute(
    21,
    Buffer.concat([
      encodeAttribute(1, number(70)),
      encodeAttribute(7, Buffer.from([0xd0])),
      encodeAttribute(8, encodeAttribute(5, number(540))),
      encodeAttribute(23, Buffer.alloc(8, 1)),
    ]),
  ),
);

const CASES: readonly (readonly [name: string, dump: Buffer, decode: (payload: Buffer) => unknown])[] = [
  ['links', recording('links.bin'), decodeLink],
  ['addresses', recording('addresses.bin'), decodeAddress],
  ['neighbours', recording('neighbours.bin'), decodeNeighbour],
  ['qdiscs', recording('qdiscs.bin'), decodeQdisc],
  ['routes', recording('routes.bin'), decodeRoute],
  ['TCP sockets', recording('tcp4.bin'), decodeTcpSocket],
  ['TCP sockets over IPv6', recording('tcp6.bin'), decodeTcpSocket],
  ['wireless devices', DEVICE, decodeWirelessDevice],
  ['wireless networks', NETWORK, decodeNetwork],
  ['wireless stations', STATION, decodeStation],
];

function damaged(dump: Buffer, random: Random): { bytes: Buffer; from: number } {
  const bytes = Buffer.from(dump);
  const from = random.below(bytes.length);
  if (random.chance(0.3)) return { bytes: bytes.subarray(0, from), from };
  // Small numbers are lengths and types in a header or an attribute.
  const value = random.pick([0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xff, random.below(256)]);
  for (let left = 1 + random.below(4); left > 0; left--) bytes[Math.min(from + left - 1, bytes.length - 1)] = value;
  return { bytes, from };
}

for (const [name, dump, decode] of CASES) {
  test(`${name}: damaged responses are rejected, or decoded up to the damage`, () => {
    const sound: { end: number; value: unknown }[] = [];
    let end = 0;
    eachMessage(dump, (payload) => {
      end = payload.byteOffset - dump.byteOffset + payload.length;
      sound.push({ end, value: decode(payload) });
    });
    assert.ok(sound.length > 0);
    const random = randomFrom(`${SEED} ${name}`);
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const { bytes, from } = damaged(dump, random);
      const values: unknown[] = [];
      try {
        eachMessage(bytes, (payload) => values.push(decode(payload)));
      } catch (cause) {
        refused++;
        assert.ok(cause instanceof NetlinkError, `FUZZ_SEED=${SEED} round ${round}: ${String(cause)}`);
      }
      const untouched = sound.filter(({ end }) => end <= from).map(({ value }) => value);
      assert.deepEqual(values.slice(0, untouched.length), untouched, `FUZZ_SEED=${SEED} round ${round}`);
    }
    assert.ok(refused > 0, 'no damage was ever refused');
  });
}

test('oversized names and numbers of a driver never overflow the buffers', () => {
  const [driver, names, values] = ['driver', 'names', 'values'].map((part) => recording(`ethtool-${part}.bin`));
  assert.ok(driver && names && values);
  const random = randomFrom(`${SEED} ethtool`);
  const count = Math.min(u32(names, 8), u32(values, 4));
  for (let round = 0; round < ROUNDS; round++) {
    const spoilt: Buffer = Buffer.from(names);
    // The heads have been checked by the kernel and by our code; the data between them may be anything.
    for (let left = 8; left > 0; left--) spoilt[12 + random.below(spoilt.length - 12)] = random.below(256);
    assert.equal(decodeStatistics(spoilt, values).length, count);
    const info: Buffer = Buffer.from(driver);
    info[random.below(info.length)] = random.below(256);
    assert.equal(typeof decodeDriverInfo(info).driver, 'string');
    decodeSettings(info);
  }
});
