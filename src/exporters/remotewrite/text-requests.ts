import type { Target } from '../../config/identity.ts';
import { stampBytes } from '../prompb/bytes.ts';
import { snappy } from '../prompb/snappy.ts';
import { ByteTable } from './byte-table.ts';
import { targetLabels } from './labels.ts';
import { type LineFormat, lineFormat } from './line-format.ts';
import { lineEnd, PlainLine } from './plain-line.ts';
import type { Facts } from './request.ts';
import { type Descriptions, readSample } from './sample-batch.ts';
import { isFull, type Request, type RequestOptions, type SeriesRequests } from './series-requests.ts';

/** Interval at which the description of a family is repeated in 1.0, as in Prometheus. */
const DESCRIBE_EVERY_MS = 60_000;

/** A cluster's state has a few hundred names. */
const MAX_NAMES = 10_000;

const HASH = '#'.charCodeAt(0);

/**
 * The requests of text whose samples all have the time of their batch, such as the state of a cluster. No request
 * is cached: lines are encoded from the text each time, which the collector stores compressed.
 */
export class TextRequests {
  readonly #target: Target;
  readonly #options: RequestOptions;
  readonly #format: LineFormat;
  readonly #descriptions: Descriptions;
  readonly #line = new PlainLine();
  readonly #names = new ByteTable();
  /** The facts about each name in this batch, by its number. */
  #facts: (Facts | undefined)[] = [];
  /** When each family was last described. */
  readonly #describedMs = new Map<string, number>();
  #stampMs = 0;
  #single: SeriesRequests | undefined;

  constructor(target: Target, options: RequestOptions, descriptions: Descriptions) {
    this.#target = target;
    this.#options = options;
    this.#format = lineFormat(options.version, targetLabels(target));
    this.#descriptions = descriptions;
  }

  /** Whether its requests are for this target, and encoded that way. */
  isFor(target: Target, { version, maxSamples }: RequestOptions): boolean {
    const { version: own, maxSamples: most } = this.#options;
    return this.#target === target && own === version && most === maxSamples;
  }

  /**
   * Begins the requests for samples of this time. Metadata of their families (1.0) goes to `single`, the requests of
   * single series.
   */
  begin(stampMs: number, single: SeriesRequests): void {
    this.#stampMs = stampMs;
    this.#single = single;
    this.#facts = [];
    if (this.#names.size > MAX_NAMES) this.#names.clear();
    // The last batch may have been abandoned halfway.
    this.#format.take();
  }

  /** Adds text; yields the requests that it completes. */
  *add(text: Buffer): Generator<Request> {
    const format = this.#format;
    const line = this.#line;
    const stamp = stampBytes(this.#stampMs);
    for (let start = 0; start < text.length; ) {
      const end = lineEnd(text, start);
      if (text[start] === HASH) this.#descriptions.read(text.toString('utf8', start, end));
      else if (line.read(text, start, end)) format.add(text, line, this.#factsOf(text, line), stamp);
      else yield* this.#addOther(text.toString('utf8', start, end));
      if (isFull(format, this.#options.maxSamples)) yield* this.rest();
      start = end + 1;
    }
  }

  /** The request with the samples added since the last one. */
  *rest(): Generator<Request> {
    const { samples } = this.#format;
    if (samples === 0) return;
    const content = this.#format.take();
    yield { members: [snappy(content)], rawBytes: content.length, samples, zeros: 0, isLater: false };
  }

  /** Adds a line that needs a parser, such as one with escapes. */
  *#addOther(text: string): Generator<Request> {
    const sample = readSample(text);
    if (sample === undefined || typeof sample.value === 'string') return;
    const { name, block, value } = sample;
    const facts = this.#descriptions.of(name);
    yield* this.#single?.add({ name, block, facts, value, stampMs: this.#stampMs }, false) ?? [];
  }

  #factsOf(text: Buffer, { nameStart, nameEnd }: PlainLine): Facts | undefined {
    const number = this.#names.numberOf(text, nameStart, nameEnd);
    const known = this.#facts[number];
    if (known !== undefined) return known;
    const found = this.#descriptions.of(text.toString('latin1', nameStart, nameEnd));
    if (found === undefined) return undefined;
    this.#facts[number] = found;
    this.#describe(found);
    return found;
  }

  #describe(facts: Facts): void {
    const describedMs = this.#describedMs.get(facts.name);
    if (describedMs !== undefined && Math.abs(this.#stampMs - describedMs) < DESCRIBE_EVERY_MS) return;
    this.#describedMs.set(facts.name, this.#stampMs);
    this.#single?.describe(facts);
  }
}
