/** What a store holds of one family. */
export interface FamilyCount {
  series: number;
  bytes: number;
}

/** Calls `visit` with the metric name and the place (newline included) of each sample line of `text`. */
export function eachLine(text: Buffer, visit: (name: string, start: number, end: number) => void): void {
  // A character a byte: places are the same in both, and strings are searched and cut several times faster.
  const characters = text.toString('latin1');
  let name = '';
  for (let start = 0; start < characters.length; ) {
    const end = characters.indexOf('\n', start) + 1 || characters.length;
    // The series of a family stand together: their name is cut out once.
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

/** Counts the series of each family. The families are told from the text, so that no object has to keep counts. */
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
