import { Bytes, fieldTag, SAMPLE_BYTES, sampleBytes, varintBytes } from '../prompb/bytes.ts';
import type { LabelParts } from './encoded-labels.ts';
import type { SeriesSample } from './request.ts';

/** The field of a series with its samples, in both versions. */
const SAMPLES_TAG = fieldTag(2);
const NOTHING = Buffer.alloc(0);

/** The series of a request as a repeated field of it, and where their samples are. */
export class SeriesField {
  readonly #tag: number;
  readonly #packsLabels: boolean;
  readonly #out = new Bytes();
  #sampleAt: number[] = [];
  #samples = 0;

  /** `packsLabels`: all labels of a series are in one field, its first, instead of one field each. */
  constructor(field: number, packsLabels: boolean) {
    this.#tag = fieldTag(field);
    this.#packsLabels = packsLabels;
  }

  get bytes(): number {
    return this.#out.length;
  }

  get samples(): number {
    return this.#samples;
  }

  /** Adds a series; `more` contains its fields after the samples; `startMs` is part of its sample. */
  add(
    [before, name, after]: LabelParts,
    { value, stampMs, zeroMs }: SeriesSample,
    more: Buffer = NOTHING,
    startMs?: number,
  ): void {
    const out = this.#out;
    const labels = before.length + name.length + after.length;
    const zeroBytes = zeroMs === undefined ? 0 : SAMPLE_BYTES;
    const opening = this.#packsLabels ? 1 + varintBytes(labels) : 0;
    out.byte(this.#tag);
    out.varint(opening + labels + zeroBytes + sampleBytes(startMs) + more.length);
    if (this.#packsLabels) {
      out.byte(fieldTag(1));
      out.varint(labels);
    }
    out.raw(before);
    out.raw(name);
    out.raw(after);
    if (zeroMs !== undefined) out.sample(SAMPLES_TAG, 0, zeroMs);
    this.#sampleAt.push(out.length);
    out.sample(SAMPLES_TAG, value, stampMs, startMs);
    out.raw(more);
    this.#samples += zeroMs === undefined ? 1 : 2;
  }

  /** The series added since the last call, after `prefix`. */
  take(prefix: Buffer = NOTHING): { content: Buffer; samples: number; sampleAt: readonly number[] } {
    const own = this.#out.copy();
    const request = {
      content: prefix.length > 0 ? Buffer.concat([prefix, own]) : own,
      samples: this.#samples,
      sampleAt: prefix.length > 0 ? this.#sampleAt.map((at) => at + prefix.length) : this.#sampleAt,
    };
    this.#out.clear();
    this.#sampleAt = [];
    this.#samples = 0;
    return request;
  }
}
