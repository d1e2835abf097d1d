import { Bytes, fieldTag, SAMPLE_BYTES, varintBytes } from './bytes.ts';
import { EncodedLabels } from './encoded-labels.ts';
import type { Label } from './labels.ts';
import { type Facts, type RawRequest, type RequestBuilder, type SeriesSample, TYPE_NUMBERS } from './request.ts';

/** io.prometheus.write.v2.Request { repeated string symbols = 4; repeated TimeSeries timeseries = 5 } */
export class SecondVersion implements RequestBuilder {
  readonly #labels: EncodedLabels;
  readonly #out = new Bytes();
  readonly #symbols = new Map<string, number>();
  readonly #symbolBytes = new Bytes(4096);
  readonly #scratch = new Bytes(1024);
  readonly #metadata = new Map<string, Buffer>();
  #sampleAt: number[] = [];
  samples = 0;

  constructor(target: readonly Label[]) {
    this.#labels = new EncodedLabels(target, (labels) => this.#refs(labels));
    this.#symbolOf('');
  }

  get bytes(): number {
    return this.#out.length + this.#symbolBytes.length;
  }

  get isEmpty(): boolean {
    return this.samples === 0;
  }

  /** Each series has its description. */
  describe(): void {}

  add({ name, block, facts, value, stampMs, zeroMs }: SeriesSample): void {
    const [before, named, after] = this.#labels.of(name, block);
    const described = facts === undefined ? NOTHING : this.#metadataOf(facts);
    const created = zeroMs === undefined ? NOTHING : createdAt(zeroMs);
    const refs = before.length + named.length + after.length;
    const zeroBytes = zeroMs === undefined ? 0 : SAMPLE_BYTES;
    const out = this.#out;
    out.byte(fieldTag(5));
    out.varint(1 + varintBytes(refs) + refs + zeroBytes + SAMPLE_BYTES + described.length + created.length);
    out.byte(fieldTag(1));
    out.varint(refs);
    out.raw(before);
    out.raw(named);
    out.raw(after);
    if (zeroMs !== undefined) out.sample(fieldTag(2), 0, zeroMs);
    this.#sampleAt.push(out.length);
    out.sample(fieldTag(2), value, stampMs);
    out.raw(described);
    out.raw(created);
    this.samples += zeroMs === undefined ? 1 : 2;
  }

  take(): RawRequest {
    const symbols = this.#symbolBytes.copy();
    const made = {
      content: Buffer.concat([symbols, this.#out.copy()]),
      samples: this.samples,
      sampleAt: this.#sampleAt.map((at) => at + symbols.length),
      metadata: NOTHING,
    };
    for (const one of [this.#symbols, this.#labels, this.#metadata]) one.clear();
    for (const one of [this.#symbolBytes, this.#out]) one.clear();
    this.#sampleAt = [];
    this.samples = 0;
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

/** int64 created_timestamp = 6 */
function createdAt(stampMs: number): Buffer {
  const bytes = new Bytes(16);
  bytes.byte(6 << 3);
  bytes.varint(stampMs);
  return bytes.copy();
}
