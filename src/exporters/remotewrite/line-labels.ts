import { byName } from '../../base/by-name.ts';
import type { Label } from '../../metrics/label-limits.ts';
import { NAME_LABEL } from './labels.ts';
import { MAX_LABELS, type PlainLine } from './plain-line.ts';

/** A range of bytes in a line, or in {@link LineLabels.common}. */
export interface ByteRange {
  isCommon: boolean;
  start: number;
  end: number;
}

/** One label of a line. */
interface LabelPieces {
  readonly name: ByteRange;
  readonly value: ByteRange;
}

/**
 * The labels of a line in the order in which they are sent: its own, its name and those of its target, sorted by name. As
 * in sortedLabels(), those of the target take precedence, and labels with empty values are omitted. The pieces are reused
 * for each line.
 */
export class LineLabels {
  /** The names and values that all lines have in common. */
  readonly common: Buffer;
  count = 0;
  readonly #labels: readonly LabelPieces[];
  /** Positions in {@link common} of the labels that all lines get, like {@link PlainLine.labelAt}. */
  readonly #commonAt: Int32Array;
  /** Index of the series name among these; its value is in the line. */
  readonly #nameIndex: number;
  readonly #sorted = new Int32Array(MAX_LABELS);

  constructor(target: readonly Label[]) {
    const all = [...target, [NAME_LABEL, ''] as const].sort(byName);
    this.#nameIndex = all.findIndex(([name]) => name === NAME_LABEL);
    this.common = Buffer.from(all.flat().join(''));
    const ends = all.flat().map((_, index, texts) => Buffer.byteLength(texts.slice(0, index + 1).join('')));
    this.#commonAt = Int32Array.from(ends.flatMap((end, index) => [ends[index - 1] ?? 0, end]));
    const piece = (): ByteRange => ({ isCommon: false, start: 0, end: 0 });
    this.#labels = Array.from({ length: all.length + MAX_LABELS }, () => ({ name: piece(), value: piece() }));
  }

  /** Maximum number of labels of a line. */
  get most(): number {
    return this.#labels.length;
  }

  /** A label of the line, below {@link count}. */
  at(index: number): LabelPieces {
    return this.#labels[index] as LabelPieces;
  }

  /** Finds and sorts the labels of a line. */
  read(text: Buffer, line: PlainLine): void {
    this.#sort(text, line);
    const { labelAt, labels } = line;
    const commonAt = this.#commonAt;
    this.count = 0;
    let next = 0;
    for (let place = 0; place < labels; place++) {
      const label = 4 * (this.#sorted[place] as number);
      let difference = 1;
      for (; next < commonAt.length; next += 4) {
        difference = compareNames(text, labelAt, label, this.common, commonAt, next);
        if (difference <= 0) break;
        this.#addCommon(next, line);
      }
      if (difference === 0 || labelAt[label + 2] === labelAt[label + 3]) continue;
      const { name, value } = this.at(this.count++);
      set(name, false, labelAt, label);
      set(value, false, labelAt, label + 2);
    }
    for (; next < commonAt.length; next += 4) this.#addCommon(next, line);
  }

  #addCommon(label: number, { nameStart, nameEnd }: PlainLine): void {
    const at = this.#commonAt;
    const isName = label === 4 * this.#nameIndex;
    if (at[label + 2] === at[label + 3] && !isName) return;
    const { name, value } = this.at(this.count++);
    set(name, true, at, label);
    set(value, true, at, label + 2);
    if (!isName) return;
    value.isCommon = false;
    value.start = nameStart;
    value.end = nameEnd;
  }

  #sort(text: Buffer, { labelAt, labels }: PlainLine): void {
    const sorted = this.#sorted;
    for (let label = 0; label < labels; label++) {
      let place = label;
      for (; place > 0; place--) {
        const other = sorted[place - 1] as number;
        if (compareNames(text, labelAt, 4 * label, text, labelAt, 4 * other) >= 0) break;
        sorted[place] = other;
      }
      sorted[place] = label;
    }
  }
}

/** Sets a piece to the range in `ends` at `place`. */
function set(piece: ByteRange, isCommon: boolean, ends: Int32Array, place: number): void {
  piece.isCommon = isCommon;
  piece.start = ends[place] as number;
  piece.end = ends[place + 1] as number;
}

/** Compares two names, whose positions are in `textAt` at `one` and in `othersAt` at `other`. */
function compareNames(
  text: Buffer,
  textAt: Int32Array,
  one: number,
  others: Buffer,
  othersAt: Int32Array,
  other: number,
): number {
  const [start, otherStart] = [textAt[one] as number, othersAt[other] as number];
  const [bytes, otherBytes] = [(textAt[one + 1] as number) - start, (othersAt[other + 1] as number) - otherStart];
  for (let at = 0; at < bytes && at < otherBytes; at++) {
    const difference = (text[start + at] as number) - (others[otherStart + at] as number);
    if (difference !== 0) return difference;
  }
  return bytes - otherBytes;
}
