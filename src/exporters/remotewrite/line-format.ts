import type { Label } from '../../metrics/label-limits.ts';
import { Bytes, fieldTag, SAMPLE_BYTES, varintBytes, writePart, writeSample, writeVarint } from '../prompb/bytes.ts';
import { ByteTable } from './byte-table.ts';
import { type ByteRange, LineLabels } from './line-labels.ts';
import type { PlainLine } from './plain-line.ts';
import { type Facts, TYPE_NUMBERS, type Version } from './request.ts';

/**
 * Encodes lines of text as the series of one request, byte by byte. The builders of versions 1.0 and 2.0 do the same for
 * series that are already strings, whose encoded label blocks are cached from cycle to cycle. Lines are read once, and
 * strings for them would be tens of megabytes of garbage. One encoder for both would have to convert bytes to strings or
 * strings to bytes first, so only the fields (`bytes.ts`) are shared.
 */
export interface LineFormat {
  readonly samples: number;
  readonly bytes: number;
  /** Adds a line of `text`, whose family `facts` describe; `stamp` is a timestamp encoded by stampBytes(). */
  add(text: Buffer, line: PlainLine, facts: Facts | undefined, stamp: Buffer): void;
  /** The series added since the last call. Valid until the next line is added. */
  take(): Buffer;
}

export const lineFormat = (version: Version, target: readonly Label[]): LineFormat =>
  version === 1 ? new FirstFormat(target) : new SecondFormat(target);

/** Space for a field's tag and length. */
const HEAD_BYTES = 11;

/** The tag of a sample in its series. */
const SAMPLE_TAG = fieldTag(2);

/** 1.0: Label { string name = 1; string value = 2 } as field 1 of TimeSeries, which is field 1 of the request. */
class FirstFormat implements LineFormat {
  readonly #labels: LineLabels;
  readonly #out = new Bytes();
  samples = 0;

  constructor(target: readonly Label[]) {
    this.#labels = new LineLabels(target);
  }

  get bytes(): number {
    return this.#out.length;
  }

  add(text: Buffer, line: PlainLine, _facts: Facts | undefined, stamp: Buffer): void {
    const labels = this.#labels;
    labels.read(text, line);
    const { common, count } = labels;
    let bytes = SAMPLE_BYTES;
    for (let at = 0; at < count; at++) {
      const { name, value } = labels.at(at);
      const label = fieldBytes(name) + fieldBytes(value);
      bytes += 1 + varintBytes(label) + label;
    }
    const out = this.#out.reserve(HEAD_BYTES + bytes);
    let to = this.#out.length;
    out[to++] = fieldTag(1);
    to = writeVarint(out, to, bytes);
    for (let at = 0; at < count; at++) {
      const { name, value } = labels.at(at);
      out[to++] = fieldTag(1);
      to = writeVarint(out, to, fieldBytes(name) + fieldBytes(value));
      to = writeField(out, to, fieldTag(1), name.isCommon ? common : text, name);
      to = writeField(out, to, fieldTag(2), value.isCommon ? common : text, value);
    }
    this.#out.advance(writeSample(out, to, SAMPLE_TAG, line.value, stamp));
    this.samples++;
  }

  take(): Buffer {
    const content = this.#out.view();
    this.#out.clear();
    this.samples = 0;
    return content;
  }
}

const fieldBytes = ({ start, end }: ByteRange): number => 1 + varintBytes(end - start) + end - start;

function writeField(out: Buffer, at: number, tag: number, source: Buffer, { start, end }: ByteRange): number {
  out[at] = tag;
  return writePart(out, writeVarint(out, at + 1, end - start), source, start, end);
}

/** 2.0: names and values as numbers of symbols in field 1 of TimeSeries, which is field 5 of the request. */
class SecondFormat implements LineFormat {
  readonly #labels: LineLabels;
  readonly #symbols = new ByteTable();
  readonly #series = new Bytes();
  readonly #whole = new Bytes();
  readonly #refs: Int32Array;
  /** The symbols of the texts that all lines have in common, by their offsets. */
  readonly #commonRefs: Int32Array;
  /** The field of each family's description in this request. */
  readonly #metadata = new Map<Facts, Buffer>();
  samples = 0;

  constructor(target: readonly Label[]) {
    this.#labels = new LineLabels(target);
    this.#refs = new Int32Array(2 * this.#labels.most);
    this.#commonRefs = new Int32Array(this.#labels.common.length);
    this.#symbols.numberOf(NOTHING, 0, 0);
  }

  get bytes(): number {
    return this.#series.length + this.#symbols.bytes;
  }

  add(text: Buffer, line: PlainLine, facts: Facts | undefined, stamp: Buffer): void {
    const labels = this.#labels;
    labels.read(text, line);
    const { count } = labels;
    const refs = this.#refs;
    let refBytes = 0;
    for (let at = 0; at < count; at++) {
      const { name, value } = labels.at(at);
      const nameRef = name.isCommon ? this.#commonRef(name) : this.#symbols.numberOf(text, name.start, name.end);
      const valueRef = value.isCommon ? this.#commonRef(value) : this.#symbols.numberOf(text, value.start, value.end);
      refs[2 * at] = nameRef;
      refs[2 * at + 1] = valueRef;
      refBytes += varintBytes(nameRef) + varintBytes(valueRef);
    }
    const described = facts === undefined ? NOTHING : this.#metadataOf(facts);
    const bytes = 1 + varintBytes(refBytes) + refBytes + SAMPLE_BYTES + described.length;
    const out = this.#series.reserve(HEAD_BYTES + bytes);
    let to = this.#series.length;
    out[to++] = fieldTag(5);
    to = writeVarint(out, to, bytes);
    out[to++] = fieldTag(1);
    to = writeVarint(out, to, refBytes);
    for (let at = 0; at < 2 * count; at++) to = writeVarint(out, to, refs[at] as number);
    to = writeSample(out, to, SAMPLE_TAG, line.value, stamp);
    this.#series.advance(writePart(out, to, described, 0, described.length));
    this.samples++;
  }

  take(): Buffer {
    const whole = this.#whole;
    whole.clear();
    this.#symbols.writeFields(whole, fieldTag(4));
    whole.raw(this.#series.view());
    this.#series.clear();
    this.#symbols.clear();
    this.#symbols.numberOf(NOTHING, 0, 0);
    this.#commonRefs.fill(0);
    this.#metadata.clear();
    this.samples = 0;
    return whole.view();
  }

  #commonRef({ start, end }: ByteRange): number {
    const known = this.#commonRefs[start] as number;
    // Symbol 0 is the empty string.
    if (known > 0) return known;
    const found = this.#symbols.numberOf(this.#labels.common, start, end);
    this.#commonRefs[start] = found;
    return found;
  }

  #metadataOf(facts: Facts): Buffer {
    let known = this.#metadata.get(facts);
    if (known === undefined) {
      const help = Buffer.from(facts.help);
      known = metadataField(facts, this.#symbols.numberOf(help, 0, help.length));
      this.#metadata.set(facts, known);
    }
    return known;
  }
}

const NOTHING = Buffer.alloc(0);

/** Metadata { MetricType type = 1; uint32 help_ref = 3 } as field 5 of a series of 2.0. */
function metadataField({ type }: Facts, helpRef: number): Buffer {
  const out = new Bytes(16);
  out.byte(fieldTag(5));
  out.varint(3 + varintBytes(helpRef));
  out.byte(1 << 3);
  out.varint(TYPE_NUMBERS[type]);
  out.byte(3 << 3);
  out.varint(helpRef);
  return out.copy();
}
