import type { LogEntry, LogSourceName } from '../../logs/entry.ts';
import type { EntryBatch } from '../../logs/sink.ts';
import { type Buffers, MAX_ENTRIES, type Marks } from './buffers.ts';
import { GrowingBuffer } from './growing-buffer.ts';
import type { EncodedEntries, LogProtocol } from './protocol.ts';

/** Share of the maximum upload size; the last entry may exceed it. */
const FILL = 0.95;

/** Entries of a batch, by their indices. */
export type Piece = Uint16Array;

const ALL: Piece = Uint16Array.from({ length: MAX_ENTRIES }, (_, index) => index);

/**
 * Entries as encoded bytes, in one piece of memory. Nothing else of them is kept: at thousands of entries a second,
 * objects that wait for a receiver would fill V8's old generation, which is collected late.
 */
export class EncodedBatch implements EntryBatch {
  readonly source: LogSourceName;
  readonly #protocol: Pick<LogProtocol, 'encode' | 'body' | 'maxBatchBytes'>;
  readonly #buffers: Buffers;
  readonly #out: GrowingBuffer;
  #marks: Marks | undefined;
  #count = 0;
  /** The key of each entry; empty for a protocol without keys. */
  readonly #keys: string[] = [];

  constructor(
    source: LogSourceName,
    protocol: Pick<LogProtocol, 'encode' | 'body' | 'maxBatchBytes'>,
    buffers: Buffers,
  ) {
    this.source = source;
    this.#protocol = protocol;
    this.#buffers = buffers;
    this.#out = new GrowingBuffer(buffers);
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.count >= MAX_ENTRIES || this.#out.length >= this.#protocol.maxBatchBytes * FILL;
  }

  get sinceUs(): number | undefined {
    return this.#count === 0 ? undefined : this.#marks?.timesUs[0];
  }

  add(entry: LogEntry): void {
    const key = this.#protocol.encode(entry, this.#out);
    if (key !== undefined) this.#keys.push(key);
    this.#marks ??= this.#buffers.takeMarks();
    this.#marks.ends[this.#count] = this.#out.length;
    this.#marks.timesUs[this.#count] = entry.timeUs;
    this.#count++;
  }

  release(): void {
    this.#out.release();
    if (this.#marks !== undefined) this.#buffers.giveMarks(this.#marks);
    this.#marks = undefined;
    this.#count = 0;
  }

  /** The indices of all entries. */
  all(): Piece {
    return ALL.subarray(0, this.#count);
  }

  /** The payload of an upload of these entries. */
  body(indices: Piece): Buffer {
    const { body } = this.#protocol;
    if (body !== undefined) return body(this.view(indices));
    const first = indices[0] ?? 0;
    const last = indices.at(-1) ?? -1;
    if (last - first + 1 === indices.length) return this.#out.slice(this.#end(first - 1), this.#end(last));
    return Buffer.concat(Array.from(indices, (index) => this.#bytes(index)));
  }

  /** These entries, counted from 0. */
  view(indices: Piece): EncodedEntries {
    const at = (index: number) => indices[index] ?? -1;
    return {
      count: indices.length,
      timeUs: (index) => this.#marks?.timesUs[at(index)] ?? 0,
      bytes: (index) => this.#bytes(at(index)),
      key: (index) => this.#keys[at(index)] ?? '',
    };
  }

  #bytes(index: number): Buffer {
    return this.#out.slice(this.#end(index - 1), this.#end(index));
  }

  /** End offset of an entry; 0 for the index before the first. */
  #end(index: number): number {
    return this.#marks?.ends[index] ?? 0;
  }
}
