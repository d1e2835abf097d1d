import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

/** The response of a name server for a name: addresses, no such name, a failure, or none. */
export type NameAnswer =
  | { readonly a?: readonly string[]; readonly aaaa?: readonly string[] }
  | 'nxdomain'
  | 'servfail'
  | 'silent';

/** A name server on UDP with configured responses; it only implements what queries for A and AAAA need. */
export interface NameServer {
  readonly port: number;
  /** Queries so far, as `A name`. */
  readonly questions: readonly string[];
  /** Responses by name; other names do not exist. */
  readonly names: Map<string, NameAnswer>;
  /** TTL of responses in seconds. */
  ttl: number;
}

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA' };
const CODES = { nxdomain: 3, servfail: 2 };

/** Starts one on `address`, which ends with the test; port 0 selects a free one. */
export async function startNameServer(
  context: TestContext,
  names: Readonly<Record<string, NameAnswer>>,
  address = '127.0.0.1',
  port = 0,
): Promise<NameServer> {
  const socket = createSocket('udp4');
  const questions: string[] = [];
  const server = { port: 0, questions, names: new Map(Object.entries(names)), ttl: 30 };
  socket.on('message', (message, from) => {
    const { name, type, end } = questionOf(message);
    questions.push(`${TYPES[type]} ${name}`);
    const said = server.names.get(name) ?? 'nxdomain';
    if (said === 'silent') return;
    const code = typeof said === 'string' ? CODES[said] : 0;
    const addresses = typeof said === 'string' ? [] : ((type === 28 ? said.aaaa : said.a) ?? []);
    const header = Buffer.alloc(12);
    message.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    const records = addresses.map((text) => recordOf(type, server.ttl, text));
    socket.send(Buffer.concat([header, message.subarray(12, end), ...records]), from.port, from.address);
  });
  socket.bind(port, address);
  await once(socket, 'listening');
  context.after(() => socket.close());
  server.port = socket.address().port;
  return server;
}

function questionOf(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += length + 1;
  }
  return { name: labels.join('.'), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/** A record whose name is that of the query. */
function recordOf(type: number, ttl: number, text: string): Buffer {
  const data = Buffer.from(
    type === 1 ? text.split('.').map(Number) : text.split(':').flatMap((part) => [...two(part)]),
  );
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

/** A group of an IPv6 address that is written in full. */
const two = (part: string): Buffer => Buffer.from(part.padStart(4, '0'), 'hex');
