// The message format of D-Bus: https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-messages
import { DbusReader, type DbusValue, MalformedMessage } from './dbus-reader.ts';
import { alignUp, DbusWriter, LITTLE_ENDIAN } from './dbus-writer.ts';

/** A method call; all its arguments are strings, which is sufficient here. */
export interface DbusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly args: readonly string[];
}

/** A message from the other side. */
export interface DbusMessage {
  readonly kind: 'call' | 'return' | 'error' | 'signal' | 'unknown';
  readonly serial: number;
  /** The call that a return or an error belongs to. */
  readonly replySerial: number | undefined;
  readonly errorName: string | undefined;
  readonly path: string | undefined;
  readonly member: string | undefined;
  readonly body: readonly DbusValue[];
}

const KINDS: Readonly<Record<number, DbusMessage['kind']>> = { 1: 'call', 2: 'return', 3: 'error', 4: 'signal' };
const FIELD = { path: 1, interface: 2, member: 3, errorName: 4, replySerial: 5, destination: 6, signature: 8 } as const;
const FIXED_HEADER = 16;
/** The specification allows 128 MiB; a list of 10,000 units takes 4 MiB. */
const MAX_MESSAGE = 32 * 2 ** 20;

/** The bytes of a method call. */
export function encodeCall(serial: number, call: DbusCall): Buffer {
  const body = new DbusWriter();
  for (const text of call.args) body.string(text);
  const header = new DbusWriter();
  const fields: [code: number, type: 's' | 'o' | 'g', text: string][] = [
    [FIELD.path, 'o', call.path],
    [FIELD.interface, 's', call.interface],
    [FIELD.member, 's', call.member],
    [FIELD.destination, 's', call.destination],
  ];
  if (call.args.length > 0) fields.push([FIELD.signature, 'g', 's'.repeat(call.args.length)]);
  const callKind = 1;
  const version = 1;
  header.bytes(LITTLE_ENDIAN, callKind, 0, version);
  header.u32(body.length);
  header.u32(serial);
  header.array(() => {
    for (const [code, type, text] of fields) {
      header.align(8);
      header.bytes(code);
      header.signature(type);
      if (type === 'g') header.signature(text);
      else header.string(text);
    }
  });
  header.align(8);
  return Buffer.concat([header.take(), body.take()]);
}

/**
 * The length of the message that starts with `bytes`; undefined while there are too few bytes. Throws MalformedMessage.
 */
export function messageLength(bytes: Buffer): number | undefined {
  if (bytes.length < FIXED_HEADER) return undefined;
  const reader = new DbusReader(bytes);
  const length = alignUp(FIXED_HEADER + reader.u32At(12), 8) + reader.u32At(4);
  if (length > MAX_MESSAGE) throw new MalformedMessage(`invalid message length: ${length} bytes`);
  return length;
}

/** Reads one complete message. Throws MalformedMessage. */
export function decodeMessage(bytes: Buffer): DbusMessage {
  const reader = new DbusReader(bytes);
  const serial = reader.u32At(8);
  reader.skip(12);
  const fields = new Map<number, DbusValue>();
  for (const field of reader.values('a(yv)')[0] as readonly (readonly [number, DbusValue])[]) {
    fields.set(field[0], field[1]);
  }
  reader.align(8);
  const text = (code: number): string | undefined => {
    const value = fields.get(code);
    return typeof value === 'string' ? value : undefined;
  };
  const replySerial = fields.get(FIELD.replySerial);
  return {
    kind: KINDS[bytes[1] ?? 0] ?? 'unknown',
    serial,
    replySerial: typeof replySerial === 'number' ? replySerial : undefined,
    errorName: text(FIELD.errorName),
    path: text(FIELD.path),
    member: text(FIELD.member),
    body: reader.values(text(FIELD.signature) ?? ''),
  };
}
