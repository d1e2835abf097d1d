import type { LogEntry, LogSourceName } from '../../logs/entry.ts';
import type { EncodedEntries, LogProtocol } from '../../logs/protocol.ts';
import type { EntryBatch } from '../../logs/sink.ts';
import type { Buffers } from './buffers.ts';
import { GrowingBuffer } from './growing-buffer.ts';

const MAX_ENTRIES = 5000;
/** Share of the maximum upload size; the last entry may exceed it. */
const FILL = 0.95;

/**
 * Entries as encoded bytes, in one piece of memory. Nothing else of them is kept: at thousands of entries a second,
 * objects that wait for a receiver would fill V8's old generation, which is collected late.
 */
export class Batch implements EntryBatch {
  readonly source: LogSourceName;
  readonly #protocol: Pick<LogProtocol, 'encode' | 'body' | 'maxBatchBytes'>;
  readonly #out: GrowingBuffer;
  /** End offset of each entry. */
  readonly #ends: number[] = [];
  readonly #timesUs: number[] = [];
  /** Grouping key of each entry; empty without grouping. */
  readonly #groups: string[] = [];

  constructor(
    source: LogSourceName,
    protocol: Pick<LogProtocol, 'encode' | 'body' | 'maxBatchBytes'>,
    buffers: Buffers,
  ) {
    this.source = source;
    this.#protocol = protocol;
    this.#out = new GrowingBuffer(buffers);
  }

  get count(): number {
    return this.#ends.length;
  }

  get isFull(): boolean {
    return this.count >= MAX_ENTRIES || this.#out.length >= this.#protocol.maxBatchBytes * FILL;
  }

  get sinceUs(): number | undefined {
    return this.#timesUs[0];
  }

  add(entry: LogEntry): void {
    const group = this.#protocol.encode(entry, this.#out);
    if (group !== undefined) this.#groups.push(group);
    this.#ends.push(this.#out.length);
    this.#timesUs.push(entry.timeUs);
  }

  release(): void {
    this.#out.release();
  }

  /** The indices of all entries. */
  all(): number[] {
    return [...this.#ends.keys()];
  }

  /** The payload of an upload of these entries. */
  body(indices: readonly number[]): Buffer {
    const { body } = this.#protocol;
    if (body !== undefined) return body(this.view(indices));
    const first = indices[0] ?? 0;
    const last = indices.at(-1) ?? -1;
    if (last - first + 1 === indices.length) return this.#out.slice(this.#ends[first - 1] ?? 0, this.#ends[last] ?? 0);
    return Buffer.concat(indices.map((index) => this.#bytes(index)));
  }

  /** These entries, counted from 0. */
  view(indices: readonly number[]): EncodedEntries {
    const at = (index: number) => indices[index] ?? -1;
    return {
      count: indices.length,
      timeUs: (index) => this.#timesUs[at(index)] ?? 0,
      bytes: (index) => this.#bytes(at(index)),
      group: (index) => this.#groups[at(index)] ?? '',
    };
  }

  #bytes(index: number): Buffer {
    return this.#out.slice(this.#ends[index - 1] ?? 0, this.#ends[index] ?? 0);
  }
}
