import { byName } from '../../base/by-name.ts';
import { grown } from '../../base/grown.ts';
import { type Label, overLimit } from '../../metrics/label-limits.ts';
import { type PushedLabelOptions, withoutClashes } from '../../metrics/pushed-labels.ts';
import type { Relabeling } from '../../metrics/relabel/relabeling.ts';
import { escapeLabelValue, numberText } from '../../metrics/text/format.ts';
import { parseLine } from '../../metrics/text/parse.ts';
import type { Emit, LabelValue } from './resource.ts';
import { SeenKeys } from './seen-keys.ts';

/** A family with the constant parts of its lines. */
export interface CompiledFamily {
  readonly name: string;
  /** `name{` */
  readonly head: Uint8Array;
  /** `,label="` of each label; without the comma for the first. */
  readonly labelHeads: readonly Uint8Array[];
  /** Length of the longest label name common to all of its series. */
  readonly longestName: number;
}

/** What the push does to the series. */
interface LineOptions {
  readonly pushed?: PushedLabelOptions | undefined;
  readonly relabel?: Relabeling | undefined;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const BRACE = 0x7d;
const BLANK = 0x20;
const NEWLINE = 0x0a;
const ZERO = 0x30;
const FIRST_NOT_ASCII = 0x80;

/** Most bytes of a UTF-16 unit, escaped: a lone surrogate is written as `\xe9`. */
const MAX_BYTES = 4;
/** Quotes, brackets, commas and the longest number, `-1.7976931348623157e+308`. */
const SPARE_BYTES = 64;
/** Maximum length of a series in a message, in characters. */
const MAX_SHOWN = 200;

const NONE: readonly string[] = [];
const NO_NAMES: ReadonlySet<string> = new Set();
const NO_BYTES = new Uint8Array(0);

/** Shared by all renderers, since only one renders at a time. Larger objects get a buffer of their own. */
const workspace = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * The lines of one object, as UTF-8 in a buffer that is reused for the next one. As strings, a pod left 120 kB of
 * garbage, half of what a list leaves: V8 builds a line from twenty parts, and joins them when they are compared and
 * again when they are encoded.
 */
export class ObjectLines {
  /** Lines of the current family. */
  count = 0;
  /** A series of the current family that was emitted with two values; the first is used. */
  contradiction: string | undefined;
  renamed = 0;
  overLimit: readonly string[] = NONE;
  readonly #names: ReadonlySet<string>;
  readonly #limits: PushedLabelOptions['limits'];
  readonly #relabel: Relabeling | undefined;
  /** Labels that are not a family's own: the name, those of the push, those that identify the object. */
  readonly #common: number;
  #buffer = workspace;
  /** The identity is at the beginning of the buffer, followed by the lines. */
  #identityEnd = 0;
  /** End of the complete lines, and of what is written so far of the next one. */
  #end = 0;
  #at = 0;
  #family: CompiledFamily | undefined;
  /** Where the lines of the current family begin. */
  #familyStart = 0;
  /** Series of the current family. */
  readonly #seen = new SeenKeys();

  constructor({ pushed, relabel }: LineOptions, identityLabels: number) {
    this.#relabel = relabel;
    this.#names = pushed?.names ?? NO_NAMES;
    this.#limits = pushed?.limits;
    this.#common = 1 + this.#names.size + identityLabels;
  }

  /** The lines so far, valid until the next object of any renderer. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#identityEnd, this.#end);
  }

  /** Starts the next object, with the heads and values of the labels that identify it. */
  begin(heads: readonly Uint8Array[], values: readonly LabelValue[]): void {
    this.#buffer = workspace;
    this.renamed = 0;
    this.overLimit = NONE;
    this.#at = 0;
    for (let index = 0; index < heads.length; index++) this.#label(heads[index] ?? NO_BYTES, values[index]);
    this.#identityEnd = this.#at;
    this.#end = this.#at;
  }

  /** Starts the next family. */
  emitter(family: CompiledFamily): Emit {
    this.#family = family;
    this.#familyStart = this.#end;
    this.#seen.clear();
    this.contradiction = undefined;
    this.count = 0;
    return this.#emit;
  }

  /** Discards the lines of the current family. */
  drop(): void {
    this.#end = this.#familyStart;
    this.contradiction = undefined;
    this.count = 0;
  }

  readonly #emit: Emit = (value, ...labels) => {
    const { name, head, labelHeads, longestName } = this.#family as CompiledFamily;
    if (typeof value !== 'number' || Number.isNaN(value))
      throw new TypeError(`${JSON.stringify(value)} is not a number`);
    const fixed = labelHeads.length;
    if (labels.length < fixed || (labels.length - fixed) % 2 !== 0) {
      throw new Error(`BUG: ${name} takes ${fixed} label values and pairs, got ${labels.length}`);
    }
    const start = this.#end;
    this.#at = start;
    this.#begin(head);
    for (let index = 0; index < fixed; index++) this.#label(labelHeads[index] ?? NO_BYTES, labels[index]);
    let longest = longestName;
    let count = this.#common + fixed;
    if (labels.length > fixed) {
      const own = this.#renamed(labels, fixed);
      count += (own.length - fixed) / 2;
      for (let index = fixed; index < own.length; index += 2) {
        const label = String(own[index]);
        longest = Math.max(longest, label.length);
        this.#pair(label, own[index + 1], this.#at > start + head.length);
      }
    }
    if (this.#relabel && !this.#relabeled(this.#relabel, start, name)) return;
    const end = this.#at;
    if (this.#isSecond(start, end, value)) return;
    const limits = this.#limits;
    if (limits) {
      if (count > limits.labels) this.#exceeds(start, end, `${count} labels, the limit is ${limits.labels}`);
      else if (longest > limits.nameBytes || end - start > limits.valueBytes) this.#measure(start, end, limits);
    }
    this.#finish(value);
    this.count++;
  };

  /** Writes the name of the family and the identity: from the second line on, both are copied from the first. */
  #begin(head: Uint8Array): void {
    const length = head.length + this.#identityEnd;
    this.#make(length);
    const buffer = this.#buffer;
    const start = this.#at;
    if (this.count > 0 && this.#relabel === undefined) {
      buffer.copyWithin(start, this.#familyStart, this.#familyStart + length);
    } else {
      buffer.set(head, start);
      buffer.copyWithin(start + head.length, 0, this.#identityEnd);
    }
    this.#at = start + length;
  }

  /** `head`, the value and its closing quote. */
  #label(head: Uint8Array, value: LabelValue): void {
    // The JSON of an object may contain any type where a string is expected.
    const text = typeof value === 'string' ? value : value === undefined || value === null ? '' : String(value);
    this.#make(head.length + text.length * MAX_BYTES);
    const buffer = this.#buffer;
    let at = this.#at;
    for (let index = 0; index < head.length; index++) buffer[at++] = head[index] as number;
    const start = at;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= FIRST_NOT_ASCII || unit === QUOTE || unit === BACKSLASH || unit === NEWLINE) {
        at = start + buffer.write(escapeLabelValue(text), start);
        break;
      }
      buffer[at++] = unit;
    }
    buffer[at++] = QUOTE;
    this.#at = at;
  }

  /** A label whose name comes from the object. */
  #pair(name: string, value: LabelValue, withComma: boolean): void {
    this.#make(name.length * MAX_BYTES);
    const buffer = this.#buffer;
    if (withComma) buffer[this.#at++] = COMMA;
    this.#at += buffer.write(name, this.#at);
    buffer[this.#at++] = EQUALS;
    buffer[this.#at++] = QUOTE;
    this.#label(NO_BYTES, value);
  }

  /** The rest of the line after its key. */
  #finish(value: number): void {
    this.#make(0);
    const buffer = this.#buffer;
    let at = this.#at;
    buffer[at++] = BRACE;
    buffer[at++] = BLANK;
    if (value === 0 || value === 1) buffer[at++] = ZERO + value;
    else {
      const text = numberText(value);
      for (let index = 0; index < text.length; index++) buffer[at++] = text.charCodeAt(index);
    }
    buffer[at++] = NEWLINE;
    this.#end = at;
  }

  /** Applies the rules to the key that begins at `start`; false when they drop the series. */
  #relabeled(relabel: Relabeling, start: number, name: string): boolean {
    const key = this.#closed(start, this.#at);
    const seen = relabel.keyOf(key, name);
    if (seen === undefined) return false;
    if (seen === key) return true;
    this.#at = start;
    this.#make(seen.length * MAX_BYTES);
    this.#at += this.#buffer.write(seen.endsWith('}') ? seen.slice(0, -1) : `${seen}{`, start);
    return true;
  }

  /** The labels with those after the first `fixed`, in pairs, renamed such that the push overwrites none of them. */
  #renamed(labels: readonly LabelValue[], fixed: number): readonly LabelValue[] {
    let clashes = false;
    for (let index = fixed; index < labels.length; index += 2) clashes ||= this.#names.has(labels[index] ?? '');
    if (!clashes) return labels;
    const pairs: Label[] = [];
    for (let index = fixed; index < labels.length; index += 2) {
      pairs.push([labels[index] ?? '', labels[index + 1] ?? '']);
    }
    this.renamed++;
    // In a fixed order, so that equal series have equal text.
    const sorted = [...withoutClashes(pairs, this.#names)].sort(byName);
    return [...labels.slice(0, fixed), ...sorted.flat()];
  }

  /** Checks a series that may have a label over the limits. */
  #measure(start: number, end: number, limits: NonNullable<PushedLabelOptions['limits']>): void {
    const parsed = parseLine(`${this.#closed(start, end)} 0`);
    const excess = parsed?.kind === 'sample' && overLimit(parsed.name, parsed.labels, limits, this.#names.size);
    if (excess) this.#exceeds(start, end, excess);
  }

  #exceeds(start: number, end: number, what: string): void {
    const key = this.#closed(start, end);
    const series = key.length > MAX_SHOWN + 1 ? `${key.slice(0, MAX_SHOWN)}…` : key;
    this.overLimit = [...this.overLimit, `${series} has ${what}`];
  }

  /** Receivers reject an entire request if one series occurs twice, which two equal taints would cause. */
  #isSecond(start: number, end: number, value: number): boolean {
    const first = this.#seen.add(this.#buffer, start, end, value);
    if (first === undefined) return false;
    if (first !== value) {
      const key = this.#closed(start, end);
      this.contradiction ??= `${key} has conflicting values ${first} and ${value}; keeping the first`;
    }
    return true;
  }

  /** A key as text, with its closing bracket. */
  #closed(start: number, end: number): string {
    return `${this.#buffer.toString('utf8', start, end)}}`;
  }

  /** Makes room for `bytes`, and for the fixed parts of any label or line. */
  #make(bytes: number): void {
    const needed = this.#at + bytes + SPARE_BYTES;
    if (needed > this.#buffer.length) this.#buffer = grown(this.#buffer, this.#at, needed);
  }
}
