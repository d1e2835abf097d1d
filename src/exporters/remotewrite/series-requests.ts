import { fnv1a32 } from '../../base/fnv.ts';
import type { Label } from '../../metrics/label-limits.ts';
import { snappy } from '../prompb/snappy.ts';
import { requestBuilder } from './builder.ts';
import type { Facts, RequestBuilder, SeriesSample, Version } from './request.ts';

/** A request ready to be sent. */
export interface Request {
  /** Compressed, in this order. Valid until the next batch is written. */
  readonly members: readonly Buffer[];
  /** Bytes before compression. */
  readonly rawBytes: number;
  readonly samples: number;
  /** It has series in common with earlier requests of its batch, which must be settled before it is sent. */
  readonly isLater: boolean;
  /**
   * The same request without the zeros that precede new counters, uncompressed. Undefined when there are none. A
   * receiver that has stored a request whose response was lost rejects its zeros the second time: it has newer samples
   * of these series.
   */
  readonly withoutZeros?: (() => Buffer) | undefined;
  /** Zeros among the samples. */
  readonly zeros: number;
}

/** How to encode requests. */
export interface RequestOptions {
  readonly version: Version;
  readonly maxSamples: number;
}

/** Above this size, a request is sent regardless of its number of samples. */
const MAX_BYTES = 1024 * 1024;

/** Enough for the largest series: 40 labels with values of 4 KiB. */
const ROOM = 192 * 1024;

/** Whether a request is large enough to be sent. */
export const isFull = ({ samples, bytes }: Pick<RequestBuilder, 'samples' | 'bytes'>, maxSamples: number): boolean =>
  samples >= maxSamples || bytes >= MAX_BYTES - ROOM;

/**
 * Requests of series that are added one by one. A repeated series, such as one of a scrape with a shorter interval than
 * the push, begins a new request, which is sent after the previous ones.
 */
export class SeriesRequests {
  readonly #target: readonly Label[];
  readonly #options: RequestOptions;
  readonly #builder: RequestBuilder;
  /** Hashes of series that may repeat, in requests that are sent concurrently. */
  readonly #hashes = new Set<number>();
  #hasRequests: boolean = false;
  #isLater: boolean = false;
  #zeros = 0;
  /** The samples of the current request, if they may contain zeros. */
  #samples: SeriesSample[] | undefined;

  constructor(target: readonly Label[], options: RequestOptions) {
    this.#target = target;
    this.#options = options;
    this.#builder = requestBuilder(options.version, target);
  }

  /** From now on, samples may contain zeros. */
  expectZeros(): void {
    this.#samples ??= [];
  }

  /** Adds a sample. `mayRepeat` for a series of which the batch may have several. */
  *add(sample: SeriesSample, mayRepeat: boolean): Generator<Request> {
    if (mayRepeat) yield* this.#separate(sample);
    this.#builder.add(sample);
    this.#samples?.push(sample);
    if (sample.zeroMs !== undefined) this.#zeros++;
    if (isFull(this.#builder, this.#options.maxSamples)) yield* this.rest();
  }

  /** Adds the description of a family whose series are in other requests that do not contain it. */
  describe(facts: Facts): void {
    this.#builder.describe(facts);
  }

  /** The request with the samples added since the last one. */
  *rest(): Generator<Request> {
    if (this.#builder.isEmpty) return;
    const { content, samples, metadata } = this.#builder.take();
    const own = this.#samples;
    const zeros = this.#zeros;
    const whole = metadata.length > 0 ? Buffer.concat([content, metadata]) : content;
    yield {
      members: [snappy(whole)],
      rawBytes: whole.length,
      samples,
      zeros,
      isLater: this.#isLater,
      ...(own && zeros > 0 && { withoutZeros: () => this.#encode(own) }),
    };
    if (own) this.#samples = [];
    this.#zeros = 0;
    this.#hasRequests = true;
    this.#isLater = false;
  }

  *#separate({ name, block }: SeriesSample): Generator<Request> {
    const hash = fnv1a32(Buffer.from(name + block)) >>> 2;
    if (this.#hashes.has(hash)) {
      yield* this.rest();
      this.#hashes.clear();
      this.#isLater = this.#hasRequests;
    }
    this.#hashes.add(hash);
  }

  #encode(samples: readonly SeriesSample[]): Buffer {
    const builder = requestBuilder(this.#options.version, this.#target);
    for (const sample of samples) builder.add({ ...sample, zeroMs: undefined });
    return builder.take().content;
  }
}
