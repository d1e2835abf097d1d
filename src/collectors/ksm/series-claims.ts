import { crc32 } from 'node:zlib';
import { fnv1a32OfText } from '../../base/fnv.ts';

/** New texts to store for objects, replacing the previous ones. */
export type ClaimedTexts = ReadonlyMap<string, string>;

/** A series of one object that another object already has. */
interface RefusedSeries {
  /** `name{labels}`. */
  readonly series: string;
  readonly object: string;
  /** The object that holds it. */
  readonly holder: string;
}

/** An object that waits for refused series. */
interface Waiting {
  readonly text: string;
  readonly refused: readonly RefusedSeries[];
}

/**
 * Decides which object exposes which series, for resources whose labels need not identify the object: receivers take
 * two equal series for one, or reject the entire request. The first object keeps a series; the others do without until
 * the first releases it. Costs a number for each series of each object of such a resource.
 */
export class SeriesClaims {
  readonly #holders = new Map<number, string>();
  /** By object, the series it holds. */
  readonly #held = new Map<string, readonly number[]>();
  /** By object, with its whole text: only objects that lack a series. */
  readonly #waiting = new Map<string, Waiting>();
  /** By series, the waiting objects in order of arrival. */
  readonly #queues = new Map<number, Set<string>>();

  /** The series that are currently refused. */
  get refused(): readonly RefusedSeries[] {
    return [...this.#waiting.values()].flatMap(({ refused }) => refused);
  }

  /** Number of series that are currently refused. */
  get count(): number {
    let count = 0;
    for (const { refused } of this.#waiting.values()) count += refused.length;
    return count;
  }

  /**
   * Sets the sample lines of an object; returns those it may expose, and the texts of other objects that regain a
   * series.
   */
  set(object: string, text: string): ClaimedTexts {
    return this.#settle([[object, text]]);
  }

  /** Releases the series of an object; returns the texts of the objects that take them over. */
  delete(object: string): ClaimedTexts {
    this.#leaveQueues(object);
    const freed = this.#held.get(object) ?? [];
    this.#held.delete(object);
    for (const series of freed) this.#holders.delete(series);
    return this.#settle(this.#firstInLine(freed));
  }

  #settle(first: readonly (readonly [object: string, text: string])[]): ClaimedTexts {
    const texts = new Map<string, string>();
    const todo = [...first];
    for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
      const [object, text] = next;
      const { kept, freed } = this.#claim(object, text);
      texts.set(object, kept);
      todo.push(...this.#firstInLine(freed));
    }
    return texts;
  }

  /** Claims the free series for an object, and releases those it no longer has. */
  #claim(object: string, text: string): { readonly kept: string; readonly freed: readonly number[] } {
    this.#leaveQueues(object);
    const before = this.#held.get(object) ?? [];
    const holds = new Set<number>();
    const refused: RefusedSeries[] = [];
    let kept = '';
    for (const line of linesOf(text)) {
      const series = line.slice(0, line.lastIndexOf(' '));
      const hash = hashOf(canonical(series));
      const holder = this.#holders.get(hash);
      if (holder !== undefined && (holder !== object || holds.has(hash))) {
        refused.push({ series, object, holder });
        this.#queues.set(hash, (this.#queues.get(hash) ?? new Set()).add(object));
        continue;
      }
      this.#holders.set(hash, object);
      holds.add(hash);
      kept += line;
    }
    const freed = before.filter((hash) => !holds.has(hash));
    for (const hash of freed) this.#holders.delete(hash);
    if (holds.size > 0) this.#held.set(object, [...holds]);
    else this.#held.delete(object);
    if (refused.length > 0) this.#waiting.set(object, { text, refused });
    return { kept, freed };
  }

  /** The objects that have waited longest for any of these series, with their whole texts. */
  #firstInLine(series: readonly number[]): (readonly [object: string, text: string])[] {
    const objects = new Set<string>();
    for (const hash of series) {
      const [first] = this.#queues.get(hash) ?? [];
      if (first !== undefined) objects.add(first);
    }
    return [...objects].map((object) => [object, this.#waiting.get(object)?.text ?? ''] as const);
  }

  #leaveQueues(object: string): void {
    const waiting = this.#waiting.get(object);
    if (waiting === undefined) return;
    this.#waiting.delete(object);
    for (const { series } of waiting.refused) {
      const hash = hashOf(canonical(series));
      const queue = this.#queues.get(hash);
      queue?.delete(object);
      if (queue?.size === 0) this.#queues.delete(hash);
    }
  }
}

/** Lines with their newlines. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start) + 1 || text.length;
    yield text.slice(start, end);
    start = end;
  }
}

/** Receivers treat a label with an empty value as absent. */
const canonical = (series: string): string =>
  series.includes('=""') ? series.replaceAll(/(?<=[{,])[a-zA-Z_][a-zA-Z0-9_]*="",?/g, '').replace(',}', '}') : series;

/** 53 bits of two hashes: of a hundred thousand series, two different ones share a number once in two million times. */
const hashOf = (series: string): number => (crc32(series) & 0x1fffff) * 2 ** 32 + (fnv1a32OfText(series) >>> 0);
