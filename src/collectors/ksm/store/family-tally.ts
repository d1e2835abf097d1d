/** Size of one family in a store. */
interface FamilyCount {
  series: number;
  bytes: number;
}

/** Calls `visit` with the metric name and the position (newline included) of each sample line of `text`. */
export function eachSampleLine(text: Buffer, visit: (name: string, start: number, end: number) => void): void {
  // One character per byte: positions are the same in both, and strings are searched and sliced several times faster.
  const characters = text.toString('latin1');
  let name = '';
  for (let start = 0; start < characters.length; ) {
    const end = characters.indexOf('\n', start) + 1 || characters.length;
    // The series of a family are adjacent: their name is extracted once.
    const isSame = name !== '' && characters[start + name.length] === '{' && characters.startsWith(name, start);
    if (!isSame) {
      let stop = characters.indexOf('{', start);
      if (stop === -1 || stop > end) stop = characters.indexOf(' ', start);
      name = characters.slice(start, stop);
    }
    visit(name, start, end);
    start = end;
  }
}

/** A family as it is counted. */
interface Tallied extends FamilyCount {
  readonly name: Uint8Array;
  /** The family that came after this one in the last text: most objects have the same families in the same order. */
  next: Tallied | undefined;
}

const NEWLINE = 0x0a;
const BLANK = 0x20;
const BRACE = 0x7b;

/**
 * Counts the series of each family. Families are derived from the text, so that no counts are stored per object. Reads
 * bytes and makes no strings: these were a quarter of the garbage of a list.
 */
export class FamilyTally {
  readonly #families = new Map<string, Tallied>();
  series = 0;

  get families(): ReadonlyMap<string, Readonly<FamilyCount>> {
    return this.#families;
  }

  add(text: Buffer): void {
    this.#count(text, 1);
  }

  remove(text: Buffer): void {
    this.#count(text, -1);
  }

  #count(text: Buffer, sign: 1 | -1): void {
    let family: Tallied | undefined;
    for (let start = 0; start < text.length; ) {
      if (family === undefined || !isNamed(text, start, family.name)) family = this.#familyAt(text, start, family);
      // Native, because the first blocks of a list are read before this loop is compiled.
      const end = text.indexOf(NEWLINE, start + family.name.length) + 1 || text.length;
      this.series += sign;
      family.series += sign;
      family.bytes += sign * (end - start);
      start = end;
    }
    if (sign === 1) return;
    for (const [name, { series }] of this.#families) if (series === 0) this.#families.delete(name);
  }

  /** The family of the line at `start`, after lines of another one. */
  #familyAt(text: Buffer, start: number, last: Tallied | undefined): Tallied {
    const next = last?.next;
    // One without series may have been forgotten.
    if (next !== undefined && next.series > 0 && isNamed(text, start, next.name)) return next;
    let stop = start;
    while (stop < text.length && text[stop] !== BRACE && text[stop] !== BLANK) stop++;
    const name = text.toString('latin1', start, stop);
    const found = this.#families.get(name) ?? {
      name: Buffer.from(name, 'latin1'),
      series: 0,
      bytes: 0,
      next: undefined,
    };
    this.#families.set(name, found);
    if (last) last.next = found;
    return found;
  }
}

/** Whether the line at `start` is of the family with this name. */
function isNamed(text: Buffer, start: number, name: Uint8Array): boolean {
  const end = text[start + name.length];
  if (end !== BRACE && end !== BLANK) return false;
  for (let index = name.length - 1; index >= 0; index--) if (text[start + index] !== name[index]) return false;
  return true;
}
