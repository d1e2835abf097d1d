import type { MetricType } from '../../metrics/family.ts';
import { Bytes, SAMPLE_BYTES } from './bytes.ts';
import { type Label, NAME_LABEL, sortedLabels } from './labels.ts';

/** Versions of the protocol: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/. */
export type Version = 1 | 2;

/** What is known about a family. */
export interface Facts {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
}

/** One series with its sample. */
export interface SeriesSample {
  readonly name: string;
  /** `{…}`; empty without labels. */
  readonly block: string;
  readonly facts: Facts | undefined;
  readonly value: number | 'stale';
  readonly stampMs: number;
  /** When the counter was still 0. That sample is sent first. */
  readonly zeroMs?: number | undefined;
}

/** A request before compression. */
export interface RawRequest {
  readonly content: Buffer;
  readonly samples: number;
  /** Offset of the sample of each series. */
  readonly sampleAt: readonly number[];
  /** Descriptions of families, to be appended to the content. Empty where the series contain them. */
  readonly metadata: Buffer;
}

/** Collects series of one target. */
export interface RequestBuilder {
  /** Bytes so far. */
  readonly bytes: number;
  readonly samples: number;
  /** Throws TextFormatError for labels that can't be parsed. */
  add(sample: SeriesSample): void;
  /** Returns what was added since the last call. */
  take(): RawRequest;
}

/** An empty request. */
export const requestBuilder = (version: Version, target: readonly Label[]): RequestBuilder =>
  version === 1 ? new FirstVersion(target) : new SecondVersion(target);

/** The numbers are the same in both versions. */
const TYPE_NUMBERS: Readonly<Record<MetricType, number>> = {
  untyped: 0,
  counter: 1,
  gauge: 2,
  histogram: 3,
  summary: 5,
};

const TAG = (field: number): number => (field << 3) | 2;

/** Label bytes before the name and after it. */
type Sides = readonly [before: Buffer, after: Buffer];

/** prompb.WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3 } */
class FirstVersion implements RequestBuilder {
  readonly #target: readonly Label[];
  readonly #out = new Bytes();
  readonly #scratch = new Bytes(1024);
  readonly #all = new Bytes(4096);
  readonly #blocks = new Map<string, Sides>();
  readonly #names = new Map<string, Buffer>();
  readonly #families = new Map<string, Facts>();
  #sampleAt: number[] = [];
  samples = 0;

  constructor(target: readonly Label[]) {
    this.#target = target;
  }

  get bytes(): number {
    return this.#out.length;
  }

  add({ name, block, facts, value, stampMs, zeroMs }: SeriesSample): void {
    const [before, after] = this.#sidesOf(block);
    const named = this.#nameOf(name);
    const zeroBytes = zeroMs === undefined ? 0 : SAMPLE_BYTES;
    const out = this.#out;
    out.byte(TAG(1));
    out.varint(before.length + named.length + after.length + zeroBytes + SAMPLE_BYTES);
    out.raw(before);
    out.raw(named);
    out.raw(after);
    if (zeroMs !== undefined) out.sample(TAG(2), 0, zeroMs);
    this.#sampleAt.push(out.length);
    out.sample(TAG(2), value, stampMs);
    this.samples += zeroMs === undefined ? 1 : 2;
    if (facts !== undefined) this.#families.set(facts.name, facts);
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
    this.#blocks.clear();
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
      one.text(TAG(2), name);
      one.text(TAG(4), help);
      all.field(TAG(3), one.copy());
    }
    return all.copy();
  }

  #sidesOf(block: string): Sides {
    let sides = this.#blocks.get(block);
    if (sides === undefined) {
      const [before, after] = sortedLabels(block, this.#target);
      sides = [this.#labels(before), this.#labels(after)];
      this.#blocks.set(block, sides);
    }
    return sides;
  }

  #nameOf(name: string): Buffer {
    let known = this.#names.get(name);
    if (known === undefined) {
      known = this.#labels([[NAME_LABEL, name]]);
      this.#names.set(name, known);
    }
    return known;
  }

  /** Labels as fields of a series: Label { string name = 1; string value = 2 }. */
  #labels(labels: readonly Label[]): Buffer {
    const all = this.#all;
    all.clear();
    for (const [name, value] of labels) {
      const bytes = [Buffer.byteLength(name), Buffer.byteLength(value)] as const;
      all.byte(TAG(1));
      all.varint(2 + varintBytes(bytes[0]) + bytes[0] + varintBytes(bytes[1]) + bytes[1]);
      all.text(TAG(1), name);
      all.text(TAG(2), value);
    }
    return all.copy();
  }
}

/** io.prometheus.write.v2.Request { repeated string symbols = 4; repeated TimeSeries timeseries = 5 } */
class SecondVersion implements RequestBuilder {
  readonly #target: readonly Label[];
  readonly #out = new Bytes();
  readonly #symbols = new Map<string, number>();
  readonly #symbolBytes = new Bytes(4096);
  readonly #scratch = new Bytes(1024);
  readonly #names = new Map<string, Buffer>();
  readonly #blocks = new Map<string, Sides>();
  readonly #metadata = new Map<string, Buffer>();
  #sampleAt: number[] = [];
  samples = 0;

  constructor(target: readonly Label[]) {
    this.#target = target;
    this.#symbolOf('');
  }

  get bytes(): number {
    return this.#out.length + this.#symbolBytes.length;
  }

  add({ name, block, facts, value, stampMs, zeroMs }: SeriesSample): void {
    const [before, after] = this.#sidesOf(block);
    const named = this.#nameOf(name);
    const described = facts === undefined ? NOTHING : this.#metadataOf(facts);
    const created = zeroMs === undefined ? NOTHING : createdAt(zeroMs);
    const refs = before.length + named.length + after.length;
    const zeroBytes = zeroMs === undefined ? 0 : SAMPLE_BYTES;
    const out = this.#out;
    out.byte(TAG(5));
    out.varint(1 + varintBytes(refs) + refs + zeroBytes + SAMPLE_BYTES + described.length + created.length);
    out.byte(TAG(1));
    out.varint(refs);
    out.raw(before);
    out.raw(named);
    out.raw(after);
    if (zeroMs !== undefined) out.sample(TAG(2), 0, zeroMs);
    this.#sampleAt.push(out.length);
    out.sample(TAG(2), value, stampMs);
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
    for (const one of [this.#symbols, this.#names, this.#blocks, this.#metadata]) one.clear();
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
      content.field(TAG(5), bytes);
      known = content.copy();
      this.#metadata.set(name, known);
    }
    return known;
  }

  #sidesOf(block: string): Sides {
    let sides = this.#blocks.get(block);
    if (sides === undefined) {
      const [before, after] = sortedLabels(block, this.#target);
      sides = [this.#refs(before), this.#refs(after)];
      this.#blocks.set(block, sides);
    }
    return sides;
  }

  #nameOf(name: string): Buffer {
    let known = this.#names.get(name);
    if (known === undefined) {
      known = this.#refs([[NAME_LABEL, name]]);
      this.#names.set(name, known);
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
      this.#symbolBytes.text(TAG(4), text);
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

const varintBytes = (value: number): number => {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
};
