import type { Label } from '../../metrics/label-limits.ts';
import { Bytes, fieldTag, varintBytes } from '../prompb/bytes.ts';
import { EncodedLabels } from './encoded-labels.ts';
import { type Facts, type RawRequest, type RequestBuilder, type SeriesSample, TYPE_NUMBERS } from './request.ts';
import { SeriesField } from './series-field.ts';

/** prompb.WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3 } */
export class FirstVersion implements RequestBuilder {
  readonly #labels: EncodedLabels;
  readonly #series = new SeriesField(1, false);
  readonly #scratch = new Bytes(1024);
  readonly #all = new Bytes(4096);
  readonly #families = new Map<string, Facts>();

  constructor(target: readonly Label[]) {
    this.#labels = new EncodedLabels(target, (labels) => this.#fieldsOf(labels));
  }

  get bytes(): number {
    return this.#series.bytes;
  }

  get samples(): number {
    return this.#series.samples;
  }

  get isEmpty(): boolean {
    return this.samples === 0 && this.#families.size === 0;
  }

  add(sample: SeriesSample): void {
    const { name, block, facts } = sample;
    this.#series.add(this.#labels.of(name, block), sample);
    if (facts !== undefined) this.describe(facts);
  }

  describe(facts: Facts): void {
    this.#families.set(facts.name, facts);
  }

  take(): RawRequest {
    const made = { ...this.#series.take(), metadata: this.#metadata() };
    this.#families.clear();
    this.#labels.clear();
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
