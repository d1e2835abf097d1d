// Netlink messages: netlink(7), include/uapi/linux/netlink.h. Pure: bytes in, views on them out.
import { getSystemErrorName } from 'node:util';
import { putU16, putU32, s32, u16, u32 } from './native.ts';

const HEADER_BYTES = 16;
const NLM_F_REQUEST = 0x1;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** Lower types are netlink's own. */
const NLMSG_MIN_TYPE = 16;
/** Attribute types carry two flag bits on top. */
const TYPE_MASK = 0x3fff;

/** Bytes that are not a netlink message, or an error returned by the kernel. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  /** The errno name returned by the kernel, such as `EOPNOTSUPP`; undefined for bytes that are not a message. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

/** The request for all objects of a kind; `header` is the family's own header. */
export function dumpRequest(type: number, header: Buffer): Buffer {
  const request = Buffer.alloc(HEADER_BYTES + header.length);
  putU32(request, 0, request.length);
  putU16(request, 4, type);
  putU16(request, 6, NLM_F_REQUEST | NLM_F_DUMP);
  header.copy(request, HEADER_BYTES);
  return request;
}

/** An attribute of a request, padded for the next one. */
export function encodeAttribute(type: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(align(4 + payload.length));
  putU16(bytes, 0, 4 + payload.length);
  putU16(bytes, 2, type);
  payload.copy(bytes, 4);
  return bytes;
}

/**
 * Calls `take` with the payload (the family's own header, then attributes) of each message of one datagram; true if it
 * contains the end of the dump. Throws NetlinkError for an error of the kernel and for malformed messages.
 */
export function eachMessage(datagram: Buffer, take: (payload: Buffer) => void): boolean {
  for (let offset = 0; offset + HEADER_BYTES <= datagram.length; ) {
    const length = u32(datagram, offset);
    if (length < HEADER_BYTES || offset + length > datagram.length) {
      throw new NetlinkError(`a message of ${length} bytes at ${offset} of ${datagram.length}`);
    }
    const type = u16(datagram, offset + 4);
    const payload = datagram.subarray(offset + HEADER_BYTES, offset + length);
    if (type === NLMSG_ERROR || type === NLMSG_DONE) {
      const error = payload.length >= 4 ? s32(payload, 0) : 0;
      if (error < 0) {
        const code = getSystemErrorName(error);
        throw new NetlinkError(`the kernel returned ${code}`, code);
      }
      if (type === NLMSG_DONE) return true;
    } else if (type >= NLMSG_MIN_TYPE) decode(payload, take);
    offset += align(length);
  }
  return false;
}

/** A read of `take` past the end means that the message is too short, not a bug. */
function decode(payload: Buffer, take: (payload: Buffer) => void): void {
  try {
    take(payload);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new NetlinkError(`a message of ${payload.length} bytes is too short`);
  }
}

/**
 * The value of the first attribute of `type` among those that begin at `start`, if any. A scan: payloads have some
 * forty attributes, of which collectors need one to three.
 */
export function attribute(bytes: Buffer, start: number, type: number): Buffer | undefined {
  for (let offset = start; offset + 4 <= bytes.length; offset += align(u16(bytes, offset))) {
    if (attributeType(bytes, offset) === type) return value(bytes, offset);
  }
  return undefined;
}

/** The values of all attributes of `type` in a nested attribute; none when that is absent. */
export function attributes(nested: Buffer | undefined, type: number): Buffer[] {
  const values: Buffer[] = [];
  if (nested === undefined) return values;
  for (let offset = 0; offset + 4 <= nested.length; offset += align(u16(nested, offset))) {
    if (attributeType(nested, offset) === type) values.push(value(nested, offset));
  }
  return values;
}

/** The type of the attribute at `offset`. Throws NetlinkError if the attribute is truncated. */
function attributeType(bytes: Buffer, offset: number): number {
  const length = u16(bytes, offset);
  if (length < 4 || offset + length > bytes.length) {
    throw new NetlinkError(`an attribute of ${length} bytes at ${offset} of ${bytes.length}`);
  }
  return u16(bytes, offset + 2) & TYPE_MASK;
}

const value = (bytes: Buffer, offset: number): Buffer => bytes.subarray(offset + 4, offset + u16(bytes, offset));

/** Messages and attributes begin at multiples of four. */
const align = (length: number): number => (length + 3) & ~3;
