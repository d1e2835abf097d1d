import { Turns } from '../base/turns.ts';
import type { BudgetView, FamilyPage, FamilyView, SeriesPage, SeriesView } from '../http/status-view.ts';
import type { Prepared } from '../metrics/prepared.ts';
import { numberText } from '../metrics/text/format.ts';
import { familiesOf, type LastCycle } from './last-cycle.ts';
import { matcherOf, type SeriesFilter, seriesView } from './series-filter.ts';

/** The requested part of a list. */
interface Slice {
  readonly offset: number;
  readonly limit: number;
}

/** Series examined between two checks of the clock. */
const STRIDE = 512;

/** Searches the data of the last cycle. */
export class Explorer {
  readonly #last: () => LastCycle | undefined;
  readonly #prepared: () => readonly Prepared[];
  readonly #budgets: () => readonly BudgetView[];

  constructor(
    last: () => LastCycle | undefined,
    prepared: () => readonly Prepared[],
    budgets: () => readonly BudgetView[] = () => [],
  ) {
    this.#last = last;
    this.#prepared = prepared;
    this.#budgets = budgets;
  }

  /** The families with the most series. */
  top(count: number): FamilyView[] {
    return [...this.#families().values()].sort((one, other) => other.series - one.series).slice(0, count);
  }

  /** A page of the families whose names contain all words of `match`. */
  families(match: string, { offset, limit }: Slice): FamilyPage {
    const words = match.toLowerCase().split(/\s+/);
    const all = [...this.#families().values()];
    const matching = all.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
    const families = matching.slice(offset, offset + limit);
    return { ...this.#stamp(), total: matching.length, offset, limit, families };
  }

  /**
   * A page of the series of a family, looked up in slices that let the event loop turn. Undefined if there is no such
   * family. Rejects with the reason of `signal` if that fires before the end.
   */
  async series(name: string, filter: SeriesFilter, slice: Slice, signal: AbortSignal): Promise<SeriesPage | undefined> {
    const family = this.#families().get(name);
    const last = this.#last();
    if (family === undefined || last === undefined) return undefined;
    const page = new SeriesCollector(filter, slice, family.series);
    const turns = new Turns(signal);
    for (const [group, snapshots] of last.groups) {
      for (const snapshot of snapshots) {
        const { series } = snapshot;
        if (!series.families.has(name)) continue;
        for (let index = 0; index < snapshot.size && !page.isComplete; index++) {
          if (index % STRIDE === 0 && turns.isOver) await turns.next();
          if (series.owners[index]?.name !== name) continue;
          page.add(group, series.key(index), () => numberText(snapshot.values[index] ?? Number.NaN));
        }
      }
    }
    for (const part of this.#prepared()) {
      if (page.isComplete) break;
      if (!part.families().some((one) => one.family.name === name)) continue;
      await addLines(page, part, name, turns);
    }
    return { ...this.#stamp(), ...slice, total: page.total, family, series: page.series };
  }

  #families(): Map<string, FamilyView> {
    const last = this.#last();
    if (last === undefined) return new Map();
    const families = familiesOf(last, this.#prepared());
    for (const { group, dropped } of this.#budgets()) {
      for (const { family } of dropped) {
        const view = families.get(family);
        if (view) families.set(family, { ...view, leftOut: [...(view.leftOut ?? []), group] });
      }
    }
    return families;
  }

  #stamp(): { stampMs?: number } {
    const last = this.#last();
    return last === undefined ? {} : { stampMs: last.stampMs };
  }
}

async function addLines(page: SeriesCollector, part: Prepared, name: string, turns: Turns): Promise<void> {
  for await (const piece of part.lines(name)) {
    if (turns.isOver) await turns.next();
    for (let start = 0; start < piece.length && !page.isComplete; ) {
      const end = piece.indexOf('\n', start);
      const gap = piece.lastIndexOf(' ', end);
      page.add(part.group, piece.slice(start, gap), () => piece.slice(gap + 1, end));
      start = end + 1;
    }
    if (page.isComplete) return;
  }
}

/** Selects the series of one page from a stream, and counts those that match. */
class SeriesCollector {
  readonly series: SeriesView[] = [];
  readonly #matches: ((key: string) => boolean) | undefined;
  readonly #from: number;
  readonly #to: number;
  /** For the whole family. */
  readonly #count: number;
  #seen = 0;

  constructor(filter: SeriesFilter, { offset, limit }: Slice, count: number) {
    this.#matches = matcherOf(filter);
    this.#from = offset;
    this.#to = offset + limit;
    this.#count = count;
  }

  /** Whether the rest can be skipped: the page is full, and the total is known. */
  get isComplete(): boolean {
    return this.#matches === undefined && this.#seen >= this.#to;
  }

  get total(): number {
    return this.#matches === undefined ? this.#count : this.#seen;
  }

  add(group: string, key: string, value: () => string): void {
    if (this.#matches?.(key) === false) return;
    if (this.#seen >= this.#from && this.#seen < this.#to) this.series.push(seriesView(group, key, value()));
    this.#seen++;
  }
}
