import type { Target } from '../../config/identity.ts';
import type { Compression } from '../../metrics/compression.ts';
import { type Descriptions, linesOf, readSample } from './batch.ts';
import { requestBuilder } from './builder.ts';
import { STAMP_AT, stampBytes } from './bytes.ts';
import { targetLabels } from './labels.ts';
import { isFull, type LooseRequests, MAX_BYTES, type Request, type RequestOptions } from './loose.ts';
import type { Facts, RequestBuilder } from './request.ts';
import type { Slices } from './slices.ts';
import { preambleOf } from './snappy.ts';
import { restamp, type StampedElements, snappyStamped } from './snappy-template.ts';

/** A smaller block has few samples: those of many are encoded again each time, into one request. */
const LARGE_BYTES = 1024;

/** Whether a block of text deserves a request of its own, which is kept. */
export const isLarge = ({ length }: Buffer): boolean => length >= LARGE_BYTES;

/** How long a family's description need not be repeated in 1.0. The same as in Prometheus. */
const DESCRIBE_EVERY_MS = 60_000;

/** The samples of a block, or of a part of it, encoded. */
interface EncodedBlock extends StampedElements {
  readonly samples: number;
  /** The families of its series. */
  readonly families: readonly Facts[];
}

/**
 * The requests of text blocks that rarely change. A block that is sent a second time stays as it was sent, compressed, and
 * from then on a request of it only gets another timestamp.
 */
export class BlockRequests {
  readonly #target: Target;
  readonly #options: RequestOptions;
  readonly #builder: RequestBuilder;
  readonly #descriptions: Descriptions;
  /** By block, once it was sent a second time; until then `once`. */
  readonly #kept = new WeakMap<Buffer, readonly EncodedBlock[] | 'once'>();
  /** When each family was last described. */
  readonly #describedMs = new Map<string, number>();
  #stampMs = 0;
  #loose: LooseRequests | undefined;
  /** Those of the next request. */
  #joined: EncodedBlock[] = [];

  constructor(target: Target, options: RequestOptions, descriptions: Descriptions) {
    this.#target = target;
    this.#options = options;
    this.#builder = requestBuilder(options.version, targetLabels(target));
    this.#descriptions = descriptions;
  }

  /** Whether its requests are for this target, and encoded that way. */
  isFor(target: Target, { version, maxSamples }: RequestOptions): boolean {
    const { version: own, maxSamples: most } = this.#options;
    return this.#target === target && own === version && most === maxSamples;
  }

  /** Begins requests of samples of this time. What 1.0 says of their families is added to `loose`. */
  begin(stampMs: number, loose: LooseRequests): void {
    this.#stampMs = stampMs;
    this.#loose = loose;
    // The last batch may have been given up before its end.
    this.#joined = [];
  }

  /** The requests that are complete with this block. */
  async *add(block: Buffer, compression: Compression, slices: Slices): AsyncGenerator<Request> {
    const stamp = stampBytes(this.#stampMs);
    for (const part of await this.#encoded(block, compression, slices)) {
      restamp(part, stamp);
      for (const facts of part.families) this.#describe(facts);
      if (!this.#fits(part)) yield* this.rest();
      this.#joined.push(part);
    }
  }

  /** What was added since the last request. */
  *rest(): Generator<Request> {
    if (this.#joined.length === 0) return;
    const rawBytes = bytesOf(this.#joined);
    const members = [preambleOf(rawBytes), ...this.#joined.map(({ elements }) => elements)];
    yield { members, rawBytes, samples: samplesOf(this.#joined), zeros: 0, isLater: false };
    this.#joined = [];
  }

  /** Requests of 2.0 can't be joined: each has its own table of symbols. */
  #fits(part: EncodedBlock): boolean {
    const { version, maxSamples } = this.#options;
    if (this.#joined.length === 0) return true;
    const parts = [...this.#joined, part];
    return version === 1 && samplesOf(parts) <= maxSamples && bytesOf(parts) <= MAX_BYTES;
  }

  #describe(facts: Facts): void {
    const describedMs = this.#describedMs.get(facts.name);
    if (describedMs !== undefined && Math.abs(this.#stampMs - describedMs) < DESCRIBE_EVERY_MS) return;
    this.#describedMs.set(facts.name, this.#stampMs);
    this.#loose?.describe(facts);
  }

  async #encoded(block: Buffer, compression: Compression, slices: Slices): Promise<readonly EncodedBlock[]> {
    const kept = this.#kept.get(block);
    if (kept !== undefined && kept !== 'once') return kept;
    const encoded = await this.#encode(block, compression, slices);
    // Blocks that change with every push are not worth their memory.
    this.#kept.set(block, kept === 'once' ? encoded : 'once');
    return encoded;
  }

  async #encode(block: Buffer, compression: Compression, slices: Slices): Promise<EncodedBlock[]> {
    const builder = this.#builder;
    const parts: EncodedBlock[] = [];
    let families = new Map<string, Facts>();
    const finish = () => {
      const { content, samples, sampleAt } = builder.take();
      const stampAt = sampleAt.map((at) => at + STAMP_AT);
      parts.push({ ...snappyStamped(content, stampAt), samples, families: [...families.values()] });
      families = new Map();
    };
    for (const line of await linesOf(block, compression)) {
      if (line.startsWith('#')) this.#descriptions.read(line);
      const sample = line === '' || line.startsWith('#') ? undefined : readSample(line);
      if (sample === undefined || typeof sample.value === 'string') continue;
      const { name, block, value } = sample;
      const facts = this.#descriptions.of(name);
      if (facts) families.set(facts.name, facts);
      builder.add({ name, block, facts, value, stampMs: 0 });
      if (isFull(builder, this.#options.maxSamples)) finish();
      await slices.breathe();
    }
    if (builder.samples > 0) finish();
    return parts;
  }
}

const samplesOf = (parts: readonly EncodedBlock[]): number => parts.reduce((sum, { samples }) => sum + samples, 0);
const bytesOf = (parts: readonly EncodedBlock[]): number => parts.reduce((sum, { inputBytes }) => sum + inputBytes, 0);
