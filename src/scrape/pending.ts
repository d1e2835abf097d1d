import { countWithin, type Ended, MAX_ENDED_CHARACTERS } from '../metrics/ended.ts';
import { type Family, untyped } from '../metrics/family.ts';
import type { Prepared, PreparedText } from '../metrics/prepared.ts';
import { linesOfMembers, PackedLines } from './packed-lines.ts';
import type { LastPage } from './scraper.ts';

/** Scrapes waiting for the next push, as a part of the group: each is pushed once, with its own timestamp. */
export class PendingScrapes implements Prepared {
  readonly group = 'scrape';
  readonly collector: string;
  readonly #maxBytes: number;
  readonly #onDrop: (samples: number) => void;
  readonly #pages: () => readonly LastPage[];
  #waiting: PackedLines[] = [];
  #bytes = 0;
  /** Series about scrapes: a few lines each, compressed together. */
  #own = new PackedLines();
  #ownBytes = 0;
  #ended: string[] = [];
  #endedCharacters = 0;
  #endedLost = 0;

  /**
   * `maxBytes` limits the compressed size of waiting scrapes; beyond it, the oldest are dropped and `onDrop` gets their
   * number of samples. `pages` are the last pages of all targets, for display.
   */
  constructor(
    collector: string,
    maxBytes: number,
    onDrop: (samples: number) => void,
    pages: () => readonly LastPage[],
  ) {
    this.collector = collector;
    this.#maxBytes = maxBytes;
    this.#onDrop = onDrop;
    this.#pages = pages;
  }

  /** Adds a page, if there is one, the series about the scrape, and ended series. */
  add(page: PackedLines | undefined, own: readonly string[], ended: readonly string[]): void {
    if (page !== undefined && page.samples > 0) {
      this.#waiting.push(page);
      this.#bytes += page.bytes;
    }
    for (const line of own) {
      this.#own.lines.add(line);
      this.#own.samples++;
      this.#ownBytes += line.length;
    }
    while (this.#bytes + this.#ownBytes > this.#maxBytes && this.#waiting.length > 0) {
      const dropped = this.#waiting.shift();
      this.#bytes -= dropped?.bytes ?? 0;
      this.#onDrop(dropped?.samples ?? 0);
    }
    if (this.#ownBytes > this.#maxBytes) this.#onDrop(this.#takeOwn().samples);
    this.#addEnded(ended);
  }

  #addEnded(keys: readonly string[]): void {
    const count = countWithin(keys, MAX_ENDED_CHARACTERS - this.#endedCharacters);
    for (const key of keys.slice(0, count)) {
      this.#ended.push(key);
      this.#endedCharacters += key.length;
    }
    this.#endedLost += keys.length - count;
  }

  async text(): Promise<PreparedText> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    const own = this.#takeOwn();
    await own.close(own.samples);
    const all = [...waiting, own];
    return {
      encoding: 'zstd',
      members: all.flatMap(({ members }) => members),
      textBytes: all.reduce((sum, { textBytes }) => sum + textBytes, 0),
      samples: all.reduce((sum, { samples }) => sum + samples, 0),
    };
  }

  #takeOwn(): PackedLines {
    const own = this.#own;
    this.#own = new PackedLines();
    this.#ownBytes = 0;
    return own;
  }

  takeEnded(): Ended {
    const ended = { keys: this.#ended, lost: this.#endedLost };
    this.#ended = [];
    this.#endedCharacters = 0;
    this.#endedLost = 0;
    return ended;
  }

  /** Scraped pages are not part of this agent's own page. */
  async *byFamily(): AsyncGenerator<Buffer> {}

  /** The names of the last pages: their types are unknown, because the pages are not parsed. */
  families(): { family: Family; series: number }[] {
    const counts = new Map<string, number>();
    for (const { names } of this.#pages()) {
      for (const [name, series] of names) counts.set(name, (counts.get(name) ?? 0) + series);
    }
    return [...counts].map(([name, series]) => ({ family: untyped(name, 'From the page of a target.'), series }));
  }

  async *lines(family: string): AsyncGenerator<string> {
    for (const { members, names } of this.#pages()) {
      if (!names.has(family)) continue;
      let text = '';
      for await (const line of linesOfMembers(members)) {
        if (line.startsWith(`${family}{`)) text += `${line.slice(0, line.lastIndexOf(' '))}\n`;
      }
      if (text !== '') yield text;
    }
  }
}
