import { appendFile, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { within } from '../base/deadline.ts';
import { errorCode } from '../base/error-text.ts';
import type { LogEntry, LogSourceName } from './entry.ts';
import type { EntryTarget, LogRead, SavedPosition } from './source.ts';

const SEGMENT_BYTES = 4 * 1024 * 1024;
const MAX_SEGMENTS = 16;
/** Less than one read. */
const MAX_LINE_BYTES = 512 * 1024;
const READ_BYTES = 1024 * 1024;
/** Entries that wait for the disk. */
const MAX_PENDING = 2000;
const DISK_MS = 5000;
const NEWLINE = 10;

interface QueuePosition {
  readonly segment: number;
  readonly offset: number;
}

/** A disk that does not respond must not block the rest. */
const inTime = <Value>(work: Promise<Value>): Promise<Value> =>
  within(DISK_MS, work, `the disk took more than ${DISK_MS} ms`);

/**
 * Entries that nothing else stores, on disk until they are acknowledged: lines of JSON in files of 4 MiB, at most 64
 * MiB, then the oldest are dropped and counted. Appended entries survive when the process is killed; entries waiting
 * for the disk do not.
 */
export class EntryQueue {
  readonly lost: Record<string, number> = { queue_full: 0, too_large: 0, corrupt: 0, disk: 0, not_open: 0 };
  readonly #folder: string;
  readonly #source: LogSourceName;
  /** Numbers of the files, in order; the last one is being written. */
  #segments: number[] = [];
  #written = 0;
  #at: QueuePosition = { segment: 0, offset: 0 };
  #pending: string[] = [];
  #writing: Promise<void> | undefined;
  #arrived = Promise.withResolvers<void>();
  #waiting = 0;

  private constructor(folder: string, source: LogSourceName) {
    this.#folder = folder;
    this.#source = source;
  }

  /** Opens the queue in `folder`, after `saved`. */
  static async open(folder: string, source: LogSourceName, saved: SavedPosition | undefined): Promise<EntryQueue> {
    const queue = new EntryQueue(folder, source);
    await inTime(mkdir(folder, { recursive: true, mode: 0o700 }));
    const names = await inTime(readdir(folder));
    const found = names.flatMap((name) => (/^\d{1,15}\.jsonl$/.test(name) ? [Number.parseInt(name, 10)] : []));
    queue.#segments = found.sort((a, b) => a - b);
    const at: QueuePosition | undefined = saved && JSON.parse(saved.position);
    const first = queue.#segments[0] ?? 0;
    queue.#at = at !== undefined && at.segment >= first ? at : { segment: first, offset: 0 };
    Object.assign(queue.lost, saved?.lost);
    // A partial line of a killed process is the end of its file.
    queue.#segments.push(Math.max(queue.#segments.at(-1) ?? 0, queue.#at.segment) + 1);
    while (queue.#segments.length > MAX_SEGMENTS) await queue.#dropOldest();
    return queue;
  }

  /** Entries appended by this process and not read yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The position at which reading continues. */
  get position(): string {
    return JSON.stringify(this.#at);
  }

  /** Appends an entry, and returns immediately. */
  append(entry: LogEntry): void {
    if (this.#pending.length >= MAX_PENDING) {
      this.#count('queue_full', 1);
      return;
    }
    const line = `${JSON.stringify(entry, packed)}\n`;
    if (Buffer.byteLength(line) > MAX_LINE_BYTES) {
      this.#count('too_large', 1);
      return;
    }
    this.#pending.push(line);
    this.#waiting++;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Counts entries that arrived before the queue was open and were not kept. */
  missed(entries: number): void {
    this.#count('not_open', entries);
  }

  /** Resolves when something was written, or when `signal` fires. */
  async more(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    signal.addEventListener('abort', wake, { once: true });
    await Promise.race([this.#arrived.promise, promise]);
    signal.removeEventListener('abort', wake);
  }

  /** Returns the next entries; undefined if there are currently none. */
  async read(target: EntryTarget): Promise<LogRead | undefined> {
    for (;;) {
      const next = this.#segments.find((segment) => segment >= this.#at.segment);
      if (next === undefined) return undefined;
      if (next !== this.#at.segment) this.#at = { segment: next, offset: 0 };
      const text = await this.#chunk();
      if (text.length > 0) return this.#give(text, target);
      const following = this.#segments.find((segment) => segment > next);
      if (following === undefined) return undefined;
      this.#at = { segment: following, offset: 0 };
    }
  }

  /** Removes the files before a position. */
  acknowledged(position: string): void {
    const { segment }: QueuePosition = JSON.parse(position);
    const done = this.#segments.filter((one) => one < segment);
    this.#segments = this.#segments.filter((one) => one >= segment);
    for (const one of done) void rm(this.#path(one), { force: true }).catch(() => undefined);
  }

  /** Waits for writes in progress. */
  async close(): Promise<void> {
    this.#arrived.resolve();
    await this.#writing;
  }

  #path(segment: number): string {
    return join(this.#folder, `${segment}.jsonl`);
  }

  #count(reason: string, entries: number): void {
    this.lost[reason] = (this.lost[reason] ?? 0) + entries;
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      const text = lines.join('');
      if (this.#written > 0 && this.#written + text.length > SEGMENT_BYTES) await this.#beginSegment();
      try {
        await inTime(appendFile(this.#path(this.#segments.at(-1) ?? 0), text, { mode: 0o600 }));
        this.#written += text.length;
      } catch {
        this.#count('disk', lines.length);
        // Part of it may have been written.
        await this.#beginSegment();
      }
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
    }
  }

  /** Starts a new file, and drops the oldest files above the limit. */
  async #beginSegment(): Promise<void> {
    this.#segments.push((this.#segments.at(-1) ?? 0) + 1);
    this.#written = 0;
    while (this.#segments.length > MAX_SEGMENTS) await this.#dropOldest();
  }

  async #dropOldest(): Promise<void> {
    const oldest = this.#segments.shift() ?? 0;
    const offset = oldest === this.#at.segment ? this.#at.offset : 0;
    try {
      const { size } = await inTime(stat(this.#path(oldest)));
      const rest = await this.#read(oldest, oldest < this.#at.segment ? size : offset, size);
      this.#count('queue_full', linesIn(rest));
      await inTime(rm(this.#path(oldest), { force: true }));
    } catch {
      // It was never written.
    }
  }

  /** Complete lines from the position on. */
  async #chunk(): Promise<Buffer> {
    const { segment, offset } = this.#at;
    const bytes = await this.#read(segment, offset, offset + READ_BYTES);
    return bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
  }

  async #read(segment: number, from: number, to: number): Promise<Buffer> {
    try {
      // As one piece of work: a file that is opened late is still closed.
      return await inTime(readPart(this.#path(segment), from, to));
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') return Buffer.alloc(0);
      throw cause;
    }
  }

  #give(text: Buffer, target: EntryTarget): LogRead {
    let end = 0;
    while (end < text.length && !target.isFull) {
      const newline = text.indexOf(NEWLINE, end);
      const entry = entryOf(text.toString('utf8', end, newline), this.#source);
      if (entry === undefined) {
        this.#count('corrupt', 1);
      } else {
        target.add(entry);
        this.#waiting = Math.max(0, this.#waiting - 1);
      }
      end = newline + 1;
    }
    this.#at = { segment: this.#at.segment, offset: this.#at.offset + end };
    return { position: this.position, isDrained: end === text.length };
  }
}

async function readPart(path: string, from: number, to: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(Math.max(0, to - from));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function linesIn(text: Buffer): number {
  let lines = 0;
  for (const byte of text) if (byte === NEWLINE) lines++;
  return lines;
}

/** Maps as pairs, bytes as base64. */
function packed(_name: string, value: unknown): unknown {
  if (value instanceof Map) return [...value].map(([name, one]) => [name, packed('', one)]);
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value;
}

type Packed = string | { readonly base64: string };

type PackedEntry = Omit<LogEntry, 'fields'> & { readonly fields: readonly (readonly [string, Packed])[] };

const unpacked = (value: Packed): string | Uint8Array =>
  typeof value === 'string' ? value : Uint8Array.from(Buffer.from(value.base64, 'base64'));

/** The entry in a line; undefined for anything else. */
function entryOf(line: string, source: LogSourceName): LogEntry | undefined {
  try {
    const { fields, ...entry }: PackedEntry = JSON.parse(line);
    if (typeof entry.timeUs !== 'number' || typeof entry.message !== 'string') return undefined;
    return { ...entry, source, fields: new Map(fields.map(([name, value]) => [name, unpacked(value)])) };
  } catch {
    return undefined;
  }
}
