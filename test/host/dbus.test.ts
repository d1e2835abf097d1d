import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { DbusConnection } from '../../src/host/dbus.ts';
import { decodeMessage, encodeCall, messageLength } from '../../src/host/dbus-message.ts';
import { type DbusValue, MalformedMessage } from '../../src/host/dbus-reader.ts';
import { MissingFile } from '../../src/host/errors.ts';
import { fakeBus, replyTo } from '../kit/fake-bus.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';

const SOCKET = 'run/dbus/system_bus_socket';
const CALL = { destination: 'org.example', path: '/a', interface: 'org.example.I', member: 'M', args: ['one', 'zwö'] };

/** A return message of this signature; `body` starts at a multiple of 8. */
function message(signature: string, body: readonly number[], order: 'l' | 'B' = 'l'): Buffer {
  const u32 = (value: number): number[] => {
    const bytes = Buffer.alloc(4);
    if (order === 'l') bytes.writeUInt32LE(value);
    else bytes.writeUInt32BE(value);
    return [...bytes];
  };
  const text = [...Buffer.from(`${signature}\0`)];
  const fields = [8, 1, 'g'.charCodeAt(0), 0, signature.length, ...text];
  const padding = Array.from({ length: (8 - ((16 + fields.length) % 8)) % 8 }, () => 0);
  const head = [order.charCodeAt(0), 2, 0, 1, ...u32(body.length), ...u32(7), ...u32(fields.length)];
  return Buffer.from([...head, ...fields, ...padding, ...body]);
}

test('a call reads back as it was written', () => {
  const bytes = encodeCall(3, CALL);
  assert.equal(messageLength(bytes), bytes.length);
  const { kind, serial, path, member, body } = decodeMessage(bytes);
  assert.deepEqual([kind, serial, path, member, body], ['call', 3, '/a', 'M', ['one', 'zwö']]);
});

const VALUES: readonly (readonly [signature: string, body: readonly number[], values: readonly DbusValue[]])[] = [
  ['y', [200], [200]],
  ['ybn', [1, 0, 0, 0, 1, 0, 0, 0, 0xfe, 0xff], [1, true, -2]],
  ['qiu', [0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [65_535, -1, 4_294_967_295]],
  ['t', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [2n ** 64n - 1n]],
  ['x', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [-1n]],
  ['d', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], [1.5]],
  ['sg', [2, 0, 0, 0, 0xc3, 0xa4, 0, 1, 0x73, 0], ['ä', 's']],
  ['v', [1, 0x73, 0, 0, 1, 0, 0, 0, 0x61, 0], ['a']],
  ['ay', [3, 0, 0, 0, 1, 2, 3], [[1, 2, 3]]],
  ['at', [0, 0, 0, 0, 0, 0, 0, 0], [[]]],
  [
    'a{yy}',
    [10, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4],
    [
      [
        [1, 2],
        [3, 4],
      ],
    ],
  ],
  ['(yay)y', [1, 0, 0, 0, 1, 0, 0, 0, 9, 5], [[1, [9]], 5]],
];

for (const [signature, body, values] of VALUES) {
  test(`values of type ${signature}`, () => {
    assert.deepEqual(decodeMessage(message(signature, body)).body, values);
  });
}

test('the other byte order', () => {
  const bytes = message('un', [0, 0, 1, 0, 0xff, 0xfe], 'B');
  assert.equal(messageLength(bytes), bytes.length);
  assert.deepEqual(decodeMessage(bytes).body, [256, -2]);
});

const MALFORMED: readonly (readonly [what: string, bytes: Buffer, text: RegExp])[] = [
  ['an unknown byte order', Buffer.alloc(32, 'x'), /byte order 120, expected l or B/],
  ['a body that is too short', message('t', [1, 2, 3]), /shorter than its header declares/],
  ['a text that is too long', message('s', [100, 0, 0, 0, 0x61, 0]), /shorter than its header declares/],
  ['an array that is too long', message('ay', [100, 0, 0, 0, 1]), /an array exceeds its message/],
  ['a cut element', message('aq', [3, 0, 0, 0, 1, 2, 3, 4]), /the last element of an array is truncated/],
  [
    'an array of nothing',
    message('a()', [8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    /an array without an element type/,
  ],
  ['an unknown type', message('z', [1]), /unknown type "z"/],
  ['an open struct', message('(y', [1]), /signature "\(y" is incomplete/],
  ['a variant of two values', message('v', [2, 0x79, 0x79, 0, 1, 2]), /a variant with 2 values/],
  [
    'deep variants',
    message(
      'v',
      Array.from({ length: 400 }, (_, at) => [1, 0x76, 0][at % 3] ?? 0),
    ),
    /more than 64/,
  ],
];

for (const [what, bytes, text] of MALFORMED) {
  test(`malformed: ${what}`, () => {
    assert.throws(() => decodeMessage(bytes), { name: MalformedMessage.name, message: text });
  });
}

test('a message over the limit is refused before it is read', () => {
  const head = message('y', [1]);
  head.writeUInt32LE(2 ** 31, 4);
  assert.throws(() => messageLength(head), MalformedMessage);
  assert.equal(messageLength(head.subarray(0, 15)), undefined);
});

// A reply with one text, recorded from dbus-daemon.
const HELLO_REPLY =
  'bAIBAQkAAAABAAAAPQAAAAYBcwAEAAAAOjEuNgAAAAAFAXUAAQAAAAgBZwABcwAABwFzABQAAABvcmcuZnJlZWRlc2t0b3AuREJ1cwAAAAAEAAAAOjEuNgA=';

test('three hundred concurrent calls, at most 64 pending, with replies in any order, split anywhere', async (t) => {
  const unanswered: (() => void)[] = [];
  let received = 0;
  let most = 0;
  const root = await fakeBus(t, (call, socket) => {
    received++;
    unanswered.push(() => {
      const bytes = replyTo(call, HELLO_REPLY);
      socket.write(bytes.subarray(0, 21));
      socket.write(bytes.subarray(21));
    });
    most = Math.max(most, unanswered.length);
    if (call.member !== 'Hello' && unanswered.length < 64 && received < 301) return;
    for (const answer of unanswered.splice(0).reverse()) answer();
  });
  const connection = await DbusConnection.connect(join(root, SOCKET), true, AbortSignal.timeout(60_000));
  const answers = await Promise.all(Array.from({ length: 300 }, () => connection.call(CALL)));
  assert.deepEqual(new Set(answers.flat()), new Set([':1.6']));
  assert.equal(most, 64);
  connection.close();
  await assert.rejects(connection.call(CALL), /closed/);
});

test('a call on an unresponsive bus is aborted when the signal fires', async (t) => {
  const root = await fakeBus(t, () => {});
  await assert.rejects(
    DbusConnection.connect(join(root, SOCKET), true, AbortSignal.timeout(30)),
    /timed out waiting for a reply/,
  );
});

test('a bus that refuses the client, that disconnects, and that does not exist', async (t) => {
  const open = (root: string) => DbusConnection.connect(join(root, SOCKET), true, AbortSignal.timeout(60_000));
  const refusing = await fakeBus(t, () => {}, 'REJECTED EXTERNAL\r\n');
  await assert.rejects(open(refusing), /authentication rejected for user \d+: REJECTED EXTERNAL/);
  const rude = await fakeBus(t, (_, socket) => socket.destroy());
  await assert.rejects(open(rude), /closed by peer/);
  await assert.rejects(open(scratchFolder(t)), MissingFile);
});

test('a real dbus-daemon', async (t) => {
  if (!serverAvailable(t, 'dbus-daemon')) return;
  const path = join(scratchFolder(t), 'bus');
  const daemon = spawn('dbus-daemon', ['--session', '--nofork', '--print-address', `--address=unix:path=${path}`]);
  t.after(() => daemon.kill());
  await new Promise((resolve) => daemon.stdout.once('data', resolve));
  const connection = await DbusConnection.connect(path, true, AbortSignal.timeout(60_000));
  const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };
  const [names] = await connection.call({ ...bus, member: 'ListNames', args: [] });
  assert.ok(Array.isArray(names) && names.includes('org.freedesktop.DBus'));
  const unknownName = { ...bus, member: 'GetNameOwner', args: ['org.example.Nobody'] };
  await assert.rejects(connection.call(unknownName), {
    name: 'org.freedesktop.DBus.Error.NameHasNoOwner',
    message: /org.example.Nobody/,
  });
  connection.close();
});
