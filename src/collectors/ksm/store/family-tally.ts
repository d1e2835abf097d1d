/** Size of one family in a store. */
interface FamilyCount {
  series: number;
  bytes: number;
}

/** Calls `visit` with the metric name and the position (newline included) of each sample line of `text`. */
export function eachLine(text: Buffer, visit: (name: string, start: number, end: number) => void): void {
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

/** Counts the series of each family. Families are derived from the text, so that no counts are stored per object. */
export class FamilyTally {
  readonly families = new Map<string, FamilyCount>();
  series = 0;

  add(text: Buffer): void {
    eachLine(text, (name, start, end) => this.#count(name, 1, end - start));
  }

  remove(text: Buffer): void {
    eachLine(text, (name, start, end) => this.#count(name, -1, start - end));
  }

  #count(name: string, series: number, bytes: number): void {
    this.series += series;
    const known = this.families.get(name);
    if (known === undefined) {
      this.families.set(name, { series, bytes });
      return;
    }
    known.series += series;
    known.bytes += bytes;
    if (known.series === 0) this.families.delete(name);
  }
}
