import { Bytes, fieldTag, SAMPLE_BYTES, varintBytes } from './bytes.ts';
import { EncodedLabels } from './encoded-labels.ts';
import type { Label } from './labels.ts';
import { type Facts, type RawRequest, type RequestBuilder, type SeriesSample, TYPE_NUMBERS } from './request.ts';

/** prompb.WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3 } */
export class FirstVersion implements RequestBuilder {
  readonly #labels: EncodedLabels;
  readonly #out = new Bytes();
  readonly #scratch = new Bytes(1024);
  readonly #all = new Bytes(4096);
  readonly #families = new Map<string, Facts>();
  #sampleAt: number[] = [];
  samples = 0;

  constructor(target: readonly Label[]) {
    this.#labels = new EncodedLabels(target, (labels) => this.#fieldsOf(labels));
  }

  get bytes(): number {
    return this.#out.length;
  }

  get isEmpty(): boolean {
    return this.samples === 0 && this.#families.size === 0;
  }

  add({ name, block, facts, value, stampMs, zeroMs }: SeriesSample): void {
    const [before, named, after] = this.#labels.of(name, block);
    const zeroBytes = zeroMs === undefined ? 0 : SAMPLE_BYTES;
    const out = this.#out;
    out.byte(fieldTag(1));
    out.varint(before.length + named.length + after.length + zeroBytes + SAMPLE_BYTES);
    out.raw(before);
    out.raw(named);
    out.raw(after);
    if (zeroMs !== undefined) out.sample(fieldTag(2), 0, zeroMs);
    this.#sampleAt.push(out.length);
    out.sample(fieldTag(2), value, stampMs);
    this.samples += zeroMs === undefined ? 1 : 2;
    if (facts !== undefined) this.describe(facts);
  }

  describe(facts: Facts): void {
    this.#families.set(facts.name, facts);
  }

  take(): RawRequest {
    const made = {
      content: this.#out.copy(),
      samples: this.samples,
      sampleAt: this.#sampleAt,
      metadata: this.#metadata(),
    };
    this.#out.clear();
    this.#families.clear();
    this.#labels.clear();
    this.#sampleAt = [];
    this.samples = 0;
    return made;
  }

  #metadata(): Buffer {
    const all = this.#all;
    all.clear();
    for (const { name, type, help } of this.#families.values()) {
      const one = this.#scratch;
      one.clear();
      one.byte(1 << 3);
      one.varint(TYPE_NUMBERS[type]);
      one.text(fieldTag(2), name);
      one.text(fieldTag(4), help);
      all.field(fieldTag(3), one.copy());
    }
    return all.copy();
  }

  /** Labels as fields of a series: Label { string name = 1; string value = 2 }. */
  #fieldsOf(labels: readonly Label[]): Buffer {
    const all = this.#all;
    all.clear();
    for (const [name, value] of labels) {
      const bytes = [Buffer.byteLength(name), Buffer.byteLength(value)] as const;
      all.byte(fieldTag(1));
      all.varint(2 + varintBytes(bytes[0]) + bytes[0] + varintBytes(bytes[1]) + bytes[1]);
      all.text(fieldTag(1), name);
      all.text(fieldTag(2), value);
    }
    return all.copy();
  }
}
