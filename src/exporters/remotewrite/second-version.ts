import type { Label } from '../../metrics/label-limits.ts';
import { Bytes, fieldTag } from '../prompb/bytes.ts';
import { EncodedLabels } from './encoded-labels.ts';
import { type Facts, type RawRequest, type RequestBuilder, type SeriesSample, TYPE_NUMBERS } from './request.ts';
import { SeriesField } from './series-field.ts';

/** io.prometheus.write.v2.Request { repeated string symbols = 4; repeated TimeSeries timeseries = 5 } */
export class SecondVersion implements RequestBuilder {
  readonly #labels: EncodedLabels;
  readonly #series = new SeriesField(5, true);
  readonly #symbols = new Map<string, number>();
  readonly #symbolBytes = new Bytes(4096);
  readonly #scratch = new Bytes(1024);
  readonly #metadata = new Map<string, Buffer>();

  constructor(target: readonly Label[]) {
    this.#labels = new EncodedLabels(target, (labels) => this.#refs(labels));
    this.#symbolOf('');
  }

  get bytes(): number {
    return this.#series.bytes + this.#symbolBytes.length;
  }

  get samples(): number {
    return this.#series.samples;
  }

  get isEmpty(): boolean {
    return this.samples === 0;
  }

  /** Each series has its description. */
  describe(): void {}

  add(sample: SeriesSample): void {
    const { name, block, facts, zeroMs } = sample;
    const labels = this.#labels.of(name, block);
    const described = facts === undefined ? NOTHING : this.#metadataOf(facts);
    const more = zeroMs === undefined ? described : Buffer.concat([described, createdAt(zeroMs)]);
    this.#series.add(labels, sample, more, zeroMs);
  }

  take(): RawRequest {
    const made = { ...this.#series.take(this.#symbolBytes.copy()), metadata: NOTHING };
    for (const one of [this.#symbols, this.#labels, this.#metadata, this.#symbolBytes]) one.clear();
    this.#symbolOf('');
    return made;
  }

  /** Metadata { MetricType type = 1; uint32 help_ref = 3 } as field 5 of a series. */
  #metadataOf({ name, type, help }: Facts): Buffer {
    let known = this.#metadata.get(name);
    if (known === undefined) {
      const helpRef = this.#symbolOf(help);
      const content = this.#scratch;
      content.clear();
      content.byte(1 << 3);
      content.varint(TYPE_NUMBERS[type]);
      content.byte(3 << 3);
      content.varint(helpRef);
      const bytes = content.copy();
      content.clear();
      content.field(fieldTag(5), bytes);
      known = content.copy();
      this.#metadata.set(name, known);
    }
    return known;
  }

  #refs(labels: readonly Label[]): Buffer {
    const refs = this.#scratch;
    refs.clear();
    for (const [name, value] of labels) {
      refs.varint(this.#symbolOf(name));
      refs.varint(this.#symbolOf(value));
    }
    return refs.copy();
  }

  #symbolOf(text: string): number {
    let known = this.#symbols.get(text);
    if (known === undefined) {
      known = this.#symbols.size;
      this.#symbols.set(text, known);
      this.#symbolBytes.text(fieldTag(4), text);
    }
    return known;
  }
}

const NOTHING = Buffer.alloc(0);

/** int64 created_timestamp = 6 of a series: what start_timestamp of its samples was before Prometheus 3.8. */
function createdAt(stampMs: number): Buffer {
  const bytes = new Bytes(16);
  bytes.byte(6 << 3);
  bytes.varint(stampMs);
  return bytes.copy();
}
