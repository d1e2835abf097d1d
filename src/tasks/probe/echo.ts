import { randomBytes } from 'node:crypto';

const ECHO = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;
const HEADER_BYTES = 8;
/** Bytes of the payload that distinguish our echoes from others'. */
export const TOKEN_BYTES = 8;

/** The identification of an echo. */
export interface EchoMark {
  readonly id: number;
  readonly sequence: number;
  readonly token: Buffer;
}

/** An echo request with `size` bytes of payload, which begins with the token, as far as it fits. */
export function echoRequest(family: 4 | 6, { id, sequence, token }: EchoMark, size: number): Buffer {
  const message = Buffer.alloc(HEADER_BYTES + size, 'Firesteel ');
  message.fill(0, 0, HEADER_BYTES);
  message[0] = ECHO[family].request;
  message.writeUInt16BE(id, 4);
  message.writeUInt16BE(sequence, 6);
  token.copy(message, HEADER_BYTES, 0, Math.min(size, TOKEN_BYTES));
  // For IPv6, whose checksum includes the addresses, the kernel does this.
  if (family === 4) message.writeUInt16BE(checksum(message), 2);
  return message;
}

/** The echo that a reply belongs to; undefined for other messages, including requests. */
export function echoReplyOf(family: 4 | 6, message: Buffer): EchoMark | undefined {
  return message[0] === ECHO[family].reply ? markOf(message) : undefined;
}

/** The echo request quoted in an ICMP error. */
export function echoRequestOf(family: 4 | 6, message: Buffer): EchoMark | undefined {
  return message[0] === ECHO[family].request ? markOf(message) : undefined;
}

function markOf(message: Buffer): EchoMark | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  return {
    id: message.readUInt16BE(4),
    sequence: message.readUInt16BE(6),
    token: Buffer.from(message.subarray(HEADER_BYTES, HEADER_BYTES + TOKEN_BYTES)),
  };
}

/** An unpredictable token. */
export const newToken = (): Buffer => randomBytes(TOKEN_BYTES);

/** The Internet checksum (RFC 1071). */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
