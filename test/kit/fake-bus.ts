import { mkdirSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type DbusMessage, decodeMessage, messageLength } from '../../src/host/dbus-message.ts';
import { scratchFolder } from './host-tree.ts';

/**
 * A listener at `<root>/run/dbus/system_bus_socket` that accepts every client and passes each call to `answer`, which may
 * write any reply. Resolves to the root folder; everything ends with the test.
 */
export async function fakeBus(
  context: TestContext,
  answer: (call: DbusMessage, socket: Socket) => void,
  authAnswer = 'OK 0123456789abcdef0123456789abcdef\r\n',
): Promise<string> {
  const root = scratchFolder(context);
  mkdirSync(join(root, 'run/dbus'), { recursive: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let bytes = Buffer.alloc(0);
    let isOpen = false;
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes[0] === 0) {
        bytes = bytes.subarray(bytes.indexOf('\r\n') + 2);
        socket.write(authAnswer);
      }
      if (!isOpen && bytes.indexOf('BEGIN\r\n') === 0) {
        bytes = bytes.subarray(7);
        isOpen = true;
      }
      for (;;) {
        const length = messageLength(bytes);
        if (!isOpen || length === undefined || bytes.length < length) return;
        answer(decodeMessage(bytes.subarray(0, length)), socket);
        bytes = bytes.subarray(length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(join(root, 'run/dbus/system_bus_socket'), resolve));
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return root;
}

/** A recorded reply as the reply to another call. */
export function replyTo(call: DbusMessage, recorded: string): Buffer {
  const bytes = Buffer.from(recorded, 'base64');
  // The header field REPLY_SERIAL (5), a variant of one u32.
  bytes.writeUInt32LE(call.serial, bytes.indexOf(Buffer.from([5, 1, 'u'.charCodeAt(0), 0])) + 4);
  return bytes;
}
