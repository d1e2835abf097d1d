import { turn } from '../../base/turns.ts';
import { free, unpackBriefly } from '../../metrics/compression.ts';
import type { Label } from '../../metrics/label-limits.ts';
import type { ReadonlySeries, Snapshot } from '../../metrics/snapshot.ts';
import { NUMBERS_AT, NUMBERS_BYTES, overwriteNumbers, stampBytes, varintBytes } from '../prompb/bytes.ts';
import { snappyElements, withPreamble } from '../prompb/snappy.ts';
import { requestBuilder } from './builder.ts';
import { splitKey, targetLabels } from './labels.ts';
import type { RawRequest } from './request.ts';
import { Descriptions, type PackedText, readSample, type SampleBatch, unpackedLines } from './sample-batch.ts';
import { isFull, type Request, type RequestOptions, SeriesRequests } from './series-requests.ts';
import { type SnappyTemplate, snappyTemplate } from './snappy-template.ts';
import { TextRequests } from './text-requests.ts';

/** How often descriptions of families are sent where a request has them separate from the series, as in Prometheus. */
const METADATA_EVERY_MS = 60_000;

/** Series of one list, from `from` up to `to`, exclusive. */
interface Range {
  readonly series: ReadonlySeries;
  readonly from: number;
  readonly to: number;
}

/**
 * A compressed request that is reused as long as its series stay the same: a cycle only writes values and timestamps,
 * which are not compressed.
 */
interface RequestTemplate extends SnappyTemplate, Pick<RawRequest, 'samples' | 'metadata'> {
  readonly ranges: readonly Range[];
}

/** The templates of some series: several when their labels are long. */
interface Part {
  readonly ranges: readonly Range[];
  readonly templates: readonly RequestTemplate[];
}

/** What the templates were built for. */
interface Kept {
  readonly options: RequestOptions;
  readonly target: SampleBatch['target'];
  readonly parts: readonly Part[];
}

/** Encodes the batches of one group as requests. */
export class RequestWriter {
  #kept: Kept | undefined;
  #textRequests: TextRequests | undefined;
  readonly #descriptions = new Descriptions();
  #describedMs = Number.NEGATIVE_INFINITY;

  /** The requests of a batch. Other work may run between them. */
  async *write(batch: SampleBatch, options: RequestOptions): AsyncGenerator<Request> {
    const { stampMs, target, ended, texts } = batch;
    const withMetadata = Math.abs(stampMs - this.#describedMs) >= METADATA_EVERY_MS;
    if (withMetadata && batch.snapshots.length > 0) this.#describedMs = stampMs;
    const labels = targetLabels(target);
    const single = new SeriesRequests(labels, options);
    if (batch.zeros.size > 0) single.expectZeros();
    const isPlain = ({ stamps }: Snapshot) => batch.zeros.size === 0 && stamps === undefined;
    const plain = batch.snapshots.filter(isPlain);
    if (plain.length > 0) yield* this.#writePlain(plain, batch, labels, options, withMetadata);
    for (const snapshot of batch.snapshots) {
      if (!isPlain(snapshot)) yield* this.#writeSeries(snapshot, batch, single);
    }
    for (const key of ended) {
      const [name, block] = splitKey(key);
      yield* single.add({ name, block, facts: undefined, value: 'stale', stampMs }, false);
    }
    for (const text of texts) {
      if (text.isKept) yield* this.#writeUniformText(text, batch, single, options);
      else yield* this.#writeText(text, batch, single);
    }
    yield* single.rest();
  }

  /** Series that all have the batch's timestamp. */
  async *#writePlain(
    snapshots: readonly Snapshot[],
    { stampMs, target }: SampleBatch,
    labels: readonly Label[],
    options: RequestOptions,
    withMetadata: boolean,
  ): AsyncGenerator<Request> {
    const values = new Map(snapshots.map((snapshot) => [snapshot.series, snapshot.values]));
    const stamp = stampBytes(stampMs);
    const kept = this.#keptFor(target, options);
    const parts: Part[] = [];
    for (const ranges of rangesOf(snapshots, options.maxSamples)) {
      const part = kept.find((one) => areSame(one.ranges, ranges)) ?? {
        ranges,
        templates: await templatesOf(ranges, labels, options),
      };
      parts.push(part);
      for (const template of part.templates) {
        yield filled(template, values, stamp, withMetadata);
        await turn();
      }
    }
    this.#kept = { target, options, parts };
  }

  #keptFor(target: SampleBatch['target'], { version, maxSamples }: RequestOptions): readonly Part[] {
    const kept = this.#kept;
    const isFitting =
      kept?.target === target && kept.options.version === version && kept.options.maxSamples === maxSamples;
    return isFitting ? kept.parts : [];
  }

  /** Series with their own timestamps, without those already pushed with one, or preceded by a zero. */
  async *#writeSeries(
    { series, values, stamps }: Snapshot,
    { stampMs, zeros }: SampleBatch,
    single: SeriesRequests,
  ): AsyncGenerator<Request> {
    for (const [index, value] of values.entries()) {
      const own = stamps?.get(index) ?? stampMs;
      if (own === 'pushed') continue;
      const key = series.key(index);
      const [name, block] = splitKey(key);
      const zeroMs = zeros.get(key);
      yield* single.add({ name, block, facts: series.owners[index], value, stampMs: own, zeroMs }, false);
      const pause = turn();
      if (pause) await pause;
    }
  }

  /** Text whose samples all have the batch's timestamp. */
  async *#writeUniformText(
    { members, compression }: PackedText,
    { stampMs, target }: SampleBatch,
    single: SeriesRequests,
    options: RequestOptions,
  ): AsyncGenerator<Request> {
    if (!this.#textRequests?.isFor(target, options)) {
      this.#textRequests = new TextRequests(target, options, this.#descriptions);
    }
    const requests = this.#textRequests;
    requests.begin(stampMs, single);
    for (const member of members) {
      const text = unpackBriefly(member, compression);
      try {
        yield* requests.add(text);
      } finally {
        free(text);
      }
      await turn();
    }
    yield* requests.rest();
  }

  /** Text with timestamps, or from the disk. */
  async *#writeText(text: PackedText, batch: SampleBatch, single: SeriesRequests): AsyncGenerator<Request> {
    const zeros = new Map<string, number>();
    for (const member of text.members) {
      for (const line of await unpackedLines(member, text.compression)) {
        if (line.startsWith('#')) this.#descriptions.read(line);
        const sample = line === '' || line.startsWith('#') ? undefined : readSample(line);
        if (sample === undefined) continue;
        const { name, block, value, stampMs: own = batch.stampMs } = sample;
        // Scrapes and exec programs have their own timestamps; a batch may have several scrapes of one target.
        const mayRepeat = sample.stampMs !== undefined;
        if (value === 'zero') {
          single.expectZeros();
          zeros.set(name + block, own);
          continue;
        }
        const zeroMs = zeros.size > 0 ? zeros.get(name + block) : undefined;
        const facts = this.#descriptions.of(name);
        yield* single.add({ name, block, facts, value, stampMs: own, zeroMs }, mayRepeat);
      }
      await turn();
    }
  }
}

/**
 * The series of snapshots in parts of at most `most`. Small lists are combined, so that few requests are needed. A
 * large list is separate, so that changes in other lists do not affect its templates.
 */
function* rangesOf(snapshots: readonly Snapshot[], most: number): Generator<Range[]> {
  let part: Range[] = [];
  let size = 0;
  for (const { series } of snapshots) {
    const length = series.owners.length;
    if (size > 0 && size + length > most) {
      yield part;
      [part, size] = [[], 0];
    }
    for (let from = 0; from < length; from += most) {
      const to = Math.min(length, from + most);
      part.push({ series, from, to });
      size += to - from;
      if (size < most) continue;
      yield part;
      [part, size] = [[], 0];
    }
  }
  if (size > 0) yield part;
}

const areSame = (ones: readonly Range[], others: readonly Range[]): boolean =>
  ones.length === others.length &&
  ones.every(({ series, from, to }, index) => {
    const other = others[index];
    return series === other?.series && from === other.from && to === other.to;
  });

/** A request with these values, in the order of the template's series. */
function filled(
  { elements, inputBytes, places, samples, metadata, ranges }: RequestTemplate,
  values: ReadonlyMap<ReadonlySeries, readonly number[]>,
  stamp: Buffer,
  withMetadata: boolean,
): Request {
  const described = withMetadata ? metadata : metadata.subarray(0, 0);
  const rawBytes = inputBytes + described.length;
  const packed = withPreamble(rawBytes, elements, ...(described.length > 0 ? [snappyElements(described)] : []));
  const start = varintBytes(rawBytes);
  let next = 0;
  for (const { series, from, to } of ranges) {
    const numbers = values.get(series) ?? [];
    for (let index = from; index < to; index++) {
      overwriteNumbers(packed, start + (places[next++] as number), numbers[index] as number, stamp);
    }
  }
  return { members: [packed], rawBytes, samples, zeros: 0, isLater: false };
}

function templateOf({ content, sampleAt, samples, metadata }: RawRequest, ranges: readonly Range[]): RequestTemplate {
  const places = sampleAt.map((at) => at + NUMBERS_AT);
  return { ...snappyTemplate(content, places, NUMBERS_BYTES), samples, metadata, ranges };
}

/** The templates of one part. There are several when its labels are long. */
async function templatesOf(
  ranges: readonly Range[],
  target: readonly Label[],
  options: RequestOptions,
): Promise<RequestTemplate[]> {
  const made: RequestTemplate[] = [];
  const builder = requestBuilder(options.version, target);
  let own: Range[] = [];
  for (const { series, from, to } of ranges) {
    let first = from;
    for (let index = from; index < to; index++) {
      const [name, block] = splitKey(series.key(index));
      builder.add({ name, block, facts: series.owners[index], value: 0, stampMs: 0 });
      const pause = turn();
      if (pause) await pause;
      if (!isFull(builder, Number.POSITIVE_INFINITY)) continue;
      made.push(templateOf(builder.take(), [...own, { series, from: first, to: index + 1 }]));
      await turn();
      [own, first] = [[], index + 1];
    }
    if (first < to) own.push({ series, from: first, to });
  }
  if (own.length > 0) made.push(templateOf(builder.take(), own));
  return made;
}
