import { type Family, untyped } from '../metrics/family.ts';
import type { Prepared, PreparedBody } from '../metrics/prepared.ts';
import { type Batch, linesOf } from './batch.ts';
import type { LastPage } from './scraper.ts';

/** Scrapes that wait for the next push, as a part of the group: each is pushed once, under its own time. */
export class PendingScrapes implements Prepared {
  readonly group = 'scrape';
  readonly collector: string;
  readonly #maxBytes: number;
  readonly #onDrop: (samples: number) => void;
  readonly #pages: () => readonly LastPage[];
  #batches: Batch[] = [];
  #bytes = 0;
  #ended: string[] = [];

  /**
   * `maxBytes` bounds what waits, compressed; beyond, the oldest scrapes are dropped and `onDrop` gets their samples.
   * `pages` are the last pages of all targets, for people.
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

  /** Takes scrapes and series that have ended. */
  add(batches: readonly Batch[], ended: readonly string[]): void {
    for (const batch of batches) {
      if (batch.samples === 0) continue;
      this.#batches.push(batch);
      this.#bytes += batch.bytes;
    }
    while (this.#bytes > this.#maxBytes && this.#batches.length > 1) {
      const dropped = this.#batches.shift() as Batch;
      this.#bytes -= dropped.bytes;
      this.#onDrop(dropped.samples);
    }
    if (this.#ended.length + ended.length <= MOST_ENDED) this.#ended.push(...ended);
  }

  async body(): Promise<PreparedBody> {
    const batches = this.#batches;
    this.#batches = [];
    this.#bytes = 0;
    return {
      encoding: 'zstd',
      members: batches.flatMap(({ members }) => members),
      textBytes: batches.reduce((sum, { textBytes }) => sum + textBytes, 0),
      samples: batches.reduce((sum, { samples }) => sum + samples, 0),
    };
  }

  takeEnded(): readonly string[] {
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }

  /** Pages of others are no part of this agent's own page. */
  async *byFamily(): AsyncGenerator<Buffer> {}

  /** The names of the last pages: their types are not known, since nothing is taken apart. */
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
      for await (const line of linesOf(members)) {
        if (line.startsWith(`${family}{`)) text += `${line.slice(0, line.lastIndexOf(' '))}\n`;
      }
      if (text !== '') yield text;
    }
  }
}

/** Series that wait to be ended; beyond, they end by themselves after five minutes. */
const MOST_ENDED = 200_000;
