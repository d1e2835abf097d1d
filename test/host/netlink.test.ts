import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeTcpSocket } from '../../src/host/inet-diag.ts';
import { addressText } from '../../src/host/ip-address.ts';
import { putU16, putU32, u16, u32 } from '../../src/host/native.ts';
import { attribute, dumpRequest, eachMessage, NetlinkError } from '../../src/host/netlink.ts';
import { decodeQdisc } from '../../src/host/qdisc.ts';
import { decodeRoute, routeProtocol } from '../../src/host/route.ts';
import { decodeAddress, decodeLink, decodeNeighbour } from '../../src/host/rtnetlink.ts';
import { fixture } from '../kit/host-tree.ts';

/** Decodes all messages of a recorded dump, which must end like a dump. */
function decodeAll<Value>(file: string, decode: (payload: Buffer) => Value): Value[] {
  const values: Value[] = [];
  const isWhole = eachMessage(readFileSync(fixture(`syscalls/${file}`)), (payload) => values.push(decode(payload)));
  assert.ok(isWhole, 'the recording ends with NLMSG_DONE');
  return values;
}

test('links: names, alternative names and 64-bit statistics', () => {
  const links = decodeAll('links.bin', decodeLink);
  assert.deepEqual(
    links.map(({ index, name }) => [index, name]),
    [
      [1, 'lo'],
      [2, 'veth1'],
      [3, 'veth0'],
      [4, 'ifb7'],
      [5, 'br0'],
    ],
  );
  assert.deepEqual(links[2]?.alternativeNames, ['enp0s3alt', 'other']);
  assert.deepEqual([...(links[1]?.statistics.slice(0, 4) ?? [])], [3n, 3n, 306n, 266n]);
  assert.equal(links[3]?.statistics[6], 1n, 'rx_dropped');
});

test('addresses: the local end of a point-to-point address', () => {
  const addresses = decodeAll('addresses.bin', decodeAddress).map((address) => {
    assert.ok(address);
    return `${address.link} ${addressText(address.bytes)}/${address.prefixLength}`;
  });
  assert.deepEqual(addresses.slice(0, 5), [
    '1 127.0.0.1/8',
    '2 10.9.0.1/24',
    '3 10.1.0.1/24',
    '3 10.2.0.1/32',
    '1 ::1/128',
  ]);
  assert.ok(addresses.includes('3 2001:db8::1:0:0:1/64'));
});

test('neighbours: device and state', () => {
  assert.deepEqual(decodeAll('neighbours.bin', decodeNeighbour), [
    { link: 3, state: 0 },
    { link: 3, state: 0x80 },
    { link: 1, state: 0x40 },
    { link: 3, state: 0x80 },
  ]);
});

test('qdiscs: roots and counters', () => {
  const qdiscs = decodeAll('qdiscs.bin', decodeQdisc);
  assert.deepEqual(
    qdiscs.map(({ link, kind, isRoot }) => `${link} ${kind}${isRoot ? ' root' : ''}`),
    ['1 noqueue root', '2 tbf root', '2 ingress', '3 htb root', '4 pfifo_fast root'],
  );
  assert.deepEqual([qdiscs[1]?.bytes, qdiscs[1]?.packets], [176n, 2]);
});

test('routes: gateways, metrics, origins and next hops', () => {
  const routes = decodeAll('routes.bin', decodeRoute);
  const byDestination = new Map(routes.filter(({ isUnicast }) => isUnicast).map((route) => [route.destination, route]));
  assert.equal(byDestination.get('10.1.0.0/24')?.source, '10.1.0.1');
  const bird = byDestination.get('10.70.0.0/16');
  assert.deepEqual([bird?.priority, routeProtocol(bird?.protocol ?? 0)], [50, 'bird']);
  assert.deepEqual(byDestination.get('10.50.0.0/16')?.nextHops, [
    { link: 3, gateway: '10.1.0.7', weight: 3 },
    { link: 2, gateway: '10.9.0.9', weight: 1 },
  ]);
  assert.deepEqual(byDestination.get('2001:db8:6::/48')?.nextHops[0], {
    link: 3,
    gateway: '2001:db8::1:0:0:9',
    weight: 2,
  });
  assert.equal(routeProtocol(77), 'unknown');
});

test('sockets: states and queues', () => {
  assert.deepEqual(decodeAll('tcp4.bin', decodeTcpSocket), [
    { state: 10, receiveQueue: 0, sendQueue: 7 },
    { state: 1, receiveQueue: 0, sendQueue: 0 },
    { state: 1, receiveQueue: 0, sendQueue: 0 },
  ]);
  assert.throws(() => decodeTcpSocket(Buffer.alloc(10)), NetlinkError);
});

test('a request has a header with its length, type and the dump flags', () => {
  const request = dumpRequest(18, Buffer.alloc(16, 7));
  assert.deepEqual([u32(request, 0), u16(request, 4), u16(request, 6), request[16]], [32, 18, 0x301, 7]);
});

test('an error returned by the kernel is thrown with its name', () => {
  const answer = Buffer.alloc(20);
  putU32(answer, 0, answer.length);
  putU16(answer, 4, 2);
  putU32(answer, 16, 2 ** 32 - 1);
  assert.throws(() => eachMessage(answer, () => {}), new NetlinkError('the kernel returned EPERM', 'EPERM'));
});

test('truncated messages and attributes are rejected, never read beyond', () => {
  const recorded = readFileSync(fixture('syscalls/routes.bin'));
  for (let length = 0; length < recorded.length; length += 7) {
    const cut = recorded.subarray(0, length);
    try {
      eachMessage(cut, (payload) => decodeRoute(payload.subarray(0, payload.length - 3)));
    } catch (cause) {
      assert.ok(cause instanceof NetlinkError, String(cause));
    }
  }
  const endless = Buffer.alloc(8);
  assert.throws(() => attribute(endless, 0, 1), /an attribute of 0 bytes/);
});
