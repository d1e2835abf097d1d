import { closeSync, openSync, readSync } from 'node:fs';
import { errorCode } from '../base/error-text.ts';
import { READ_AT_ONCE } from '../base/files.ts';

/** A record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg). */
export interface KernelRecord {
  /** 0 emerg to 7 debug. */
  readonly priority: number;
  readonly facility: number;
  /** Grows by one with each record of a boot. */
  readonly sequence: number;
  /** Microseconds since boot. */
  readonly monotonic: number;
  /** May have several lines. */
  readonly text: string;
  /** Data that the kernel adds to messages about devices: `SUBSYSTEM`, `DEVICE`. */
  readonly properties?: ReadonlyMap<string, string>;
}

/** The open device, from which records are read. */
export type OpenKmsg = Pick<KernelMessages, 'next' | 'close'>;

/** Parses one record; undefined if it is not a record. */
export function parseKernelRecord(record: string): KernelRecord | undefined {
  const match = /^(\d{1,10}),(\d{1,15}),(\d{1,15})[^;\n]*;([^\n]*)/.exec(record);
  if (match === null) return undefined;
  const [head, prefix = '', sequence = '', monotonic = '', text = ''] = match;
  const properties = propertiesOf(record.slice(head.length + 1));
  return {
    priority: Number(prefix) & 7,
    facility: Math.floor(Number(prefix) / 8),
    sequence: Number(sequence),
    monotonic: Number(monotonic),
    text: unescaped(text),
    ...(properties.size > 0 && { properties }),
  };
}

/** The lines ` KEY=value` after a message. */
function propertiesOf(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const [, key = '', value = ''] of text.matchAll(/^ ([A-Z][A-Z0-9_]{0,63})=(.*)$/gm)) {
    properties.set(key, unescaped(value));
  }
  return properties;
}

/** The kernel writes bytes that are not printable as \x.. */
const unescaped = (text: string): string =>
  text.includes('\\x')
    ? Buffer.from(
        text.replace(/\\x([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
        'latin1',
      ).toString('utf8')
    : text;

/** Maximum record length of the kernel. */
const RECORD_BYTES = 8192;

/** Reads the kernel's messages without blocking. */
export class KernelMessages {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(RECORD_BYTES);
  /** How often records had been overwritten before they were read. */
  overruns = 0;

  /** Throws the errors of node:fs: EPERM or EACCES without permission, ENOENT in a container without the device. */
  constructor(path = '/dev/kmsg') {
    this.#fd = openSync(path, READ_AT_ONCE);
  }

  /** The next record; undefined if there is none now. Throws the errors of node:fs. */
  next(): KernelRecord | undefined {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      try {
        const length = readSync(this.#fd, this.#buffer, 0, RECORD_BYTES, null);
        if (length === 0) return undefined;
        const record = parseKernelRecord(this.#buffer.toString('utf8', 0, length));
        if (record !== undefined) return record;
      } catch (cause) {
        const code = errorCode(cause);
        if (code === 'EAGAIN') return undefined;
        if (code !== 'EPIPE') throw cause;
        // The next read returns the oldest record still available.
        this.overruns++;
      }
    }
    return undefined;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

const MAX_TRIES = 1000;
