import { monotonicMs } from '../base/clock.ts';
import { errorText } from '../base/error-text.ts';
import { turn } from '../base/turns.ts';
import type { TargetView } from '../http/status-view.ts';
import type { Relabeling } from '../metrics/relabel/relabeling.ts';
import { labelBlock } from '../metrics/text/format.ts';
import type { Names } from '../net/names.ts';
import type { Scheduled } from '../tasks/schedule.ts';
import { type EndedKeys, endedSeries } from './ended-series.ts';
import { PageClient } from './fetch.ts';
import { ownFamilies, ownLines } from './own-series.ts';
import { keysOf, PackedLines } from './packed-lines.ts';
import { BadPage, type PageLimits } from './page.ts';
import { PageReader } from './page-reader.ts';
import { SeriesLimit } from './series-limit.ts';
import { SeriesOrder } from './series-order.ts';
import type { ScrapeTarget } from './target.ts';

/** Settings common to all targets. */
export interface ScraperWorld {
  readonly names: Names;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly limits: PageLimits & { readonly body: number; readonly series?: number | undefined };
  /** Labels that the push sets on every series. */
  readonly pushed: ReadonlySet<string>;
  /** Relabel rules for the series, compiled for one target. */
  relabelingsOf(target: ScrapeTarget): readonly Relabeling[];
  /** Receives the result of a scrape: the page if it is valid, the series about the scrape, and ended series. */
  readonly deliver: (page: PackedLines | undefined, own: readonly string[], ended: readonly string[]) => void;
}

/** State of a target, for display. */
type ScrapeState = Omit<TargetView, 'source' | 'url' | 'labels' | 'nextMs'>;

/** The result of a scrape. */
interface Result {
  readonly packed: PackedLines;
  readonly scraped: number;
  readonly kept: number;
  readonly added: number;
  readonly bytes: number;
  readonly mayHaveEnded: boolean;
  readonly names: LastPage['names'];
  readonly warning?: string;
}

/** The lines of a page, compressed. */
export interface LastPage {
  readonly members: readonly Buffer[];
  /** Series by the name of the metric. */
  readonly names: ReadonlyMap<string, number>;
}

const NO_PAGE: LastPage = { members: [], names: new Map() };

/** Maximum delay of the first scrape of a target, so that a new pod does not wait for a whole interval. */
const FIRST_MS = 2000;

/** Bytes read at a time: lines with rules take about ten microseconds each, and short ones have five bytes. */
const READ_BYTES = 4 * 1024;

const WAITING: ScrapeState = { state: 'waiting', scraped: 0, kept: 0, bytes: 0, scrapes: 0, failures: 0, skipped: 0 };

/**
 * Frees the memory of a piece after reading. The garbage collector would free the pieces of several pages late, because
 * it sees them as small objects. A piece that shares its memory with others is not freed.
 */
function release({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** Scrapes one target, one scrape at a time. */
export class Scraper implements Scheduled {
  readonly intervalMs: number;
  readonly offsetMs: number;
  readonly firstInMs: number;
  readonly target: ScrapeTarget;
  readonly #world: ScraperWorld;
  readonly #client: PageClient;
  readonly #reader: PageReader;
  readonly #order = new SeriesOrder();
  readonly #limit: SeriesLimit | undefined;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  /** The series of the last page, to find those that end with the next one. */
  #last: LastPage = NO_PAGE;
  #state: ScrapeState = WAITING;

  /** `offsetMs` is its offset within the interval. */
  constructor(target: ScrapeTarget, world: ScraperWorld, offsetMs: number) {
    this.target = target;
    this.intervalMs = target.settings.intervalMs;
    this.offsetMs = offsetMs;
    this.firstInMs = offsetMs % Math.min(FIRST_MS, this.intervalMs);
    this.#world = world;
    const { settings, labels } = target;
    this.#limit = world.limits.series === undefined ? undefined : new SeriesLimit(world.limits.series);
    this.#client = new PageClient(settings, world.names, world.limits.body);
    this.#reader = new PageReader(
      {
        labels: Object.entries(labels),
        pushed: world.pushed,
        honorLabels: settings.honorLabels,
        honorTimestamps: settings.honorTimestamps,
        relabel: world.relabelingsOf(target),
        limits: world.limits,
      },
      this.#order,
      this.#limit,
    );
  }

  get state(): ScrapeState {
    return this.#state;
  }

  /** The lines of the last valid page, and their number by metric name. */
  get page(): LastPage {
    return this.#last;
  }

  /** Starts a scrape, unless one is in progress. */
  due(): void {
    if (this.#running || this.#stopping.signal.aborted) {
      this.#state = { ...this.#state, skipped: this.#state.skipped + 1 };
      return;
    }
    this.#running = this.#scrape().finally(() => {
      this.#running = undefined;
    });
  }

  missed(count: number): void {
    this.#state = { ...this.#state, skipped: this.#state.skipped + count };
  }

  /** Resolves when no scrape is in progress. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Aborts the scrape in progress. */
  async close(): Promise<void> {
    this.#stopping.abort(new BadPage('the target is gone'));
    await this.#running;
    this.#client.close();
  }

  /** Ends the target and its series. */
  async stop(): Promise<void> {
    await this.close();
    const { keys: ended } = await this.#ended(undefined);
    const own = this.#state.scrapes > 0 ? ownFamilies(this.#limit).map((name) => this.#keyOf(name)) : [];
    this.#world.deliver(undefined, [], [...ended, ...own]);
  }

  /** Never rejects. */
  async #scrape(): Promise<void> {
    const { now, deliver } = this.#world;
    const { timeoutMs } = this.target.settings;
    const stampMs = Math.trunc(now());
    const began = monotonicMs();
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#stopping.signal]);
    let result: Result | undefined;
    let error: string | undefined;
    try {
      result = await this.#page(stampMs, signal);
      error = result.warning;
    } catch (cause) {
      this.#reader.release();
      if (this.#stopping.signal.aborted) return;
      error = signal.aborted ? `no complete page within ${timeoutMs} ms` : errorText(cause);
    }
    const { keys: ended, reordered, failure } = await this.#ended(result);
    error ??= failure;
    if (result) result = { ...result, added: result.added - reordered };
    const durationSeconds = Math.round((monotonicMs() - began) * 1000) / 1e6;
    const { scrapes, failures, skipped } = this.#state;
    const { scraped = 0, kept = 0, bytes = 0 } = result ?? {};
    this.#state = {
      state: result ? 'up' : 'down',
      lastMs: stampMs,
      durationSeconds,
      scraped,
      kept,
      bytes,
      ...(error !== undefined && { error }),
      scrapes: scrapes + 1,
      failures: failures + (result ? 0 : 1),
      skipped,
    };
    deliver(result?.packed, this.#own(stampMs, durationSeconds, result), ended);
  }

  async #page(stampMs: number, signal: AbortSignal): Promise<Result> {
    const { url, problem } = this.target;
    if (problem !== undefined) throw new BadPage(problem);
    const { isOpenMetrics, pieces } = await this.#client.open(url, signal);
    const packed = new PackedLines();
    let bytes = 0;
    this.#reader.begin(stampMs, isOpenMetrics, packed.lines);
    for await (const piece of pieces) {
      bytes += piece.length;
      for (let start = 0; start < piece.length; start += READ_BYTES) {
        // A page that arrives in one piece is read in slices, with turns of the event loop in between.
        await turn();
        signal.throwIfAborted();
        this.#reader.read(piece.subarray(start, start + READ_BYTES));
        if (packed.lines.full > 0) await packed.pack();
      }
      release(piece);
    }
    const page = this.#reader.finish();
    await packed.close(page.kept);
    const { added, mayHaveEnded } = this.#order.end();
    const { scraped, kept, duplicates, misdated, names } = page;
    const warnings = [
      ...(duplicates > 0 ? [`${duplicates} lines repeat a series of the same page: the first of each is used`] : []),
      ...(misdated > 0 ? [`${misdated} lines have a timestamp before 1970 or after 2108, and are dropped`] : []),
    ];
    const warning = warnings.length > 0 ? { warning: warnings.join('; ') } : {};
    return { packed, scraped, kept, added, bytes, mayHaveEnded, names, ...warning };
  }

  /**
   * Makes `result` the current page, or undefined for none; returns the series that only the previous page had. Never
   * rejects: if pages can't be compared, this scrape has no stale markers, and `failure` is the reason.
   */
  async #ended(result: Result | undefined): Promise<EndedKeys & { readonly failure?: string }> {
    try {
      return result ? await this.#settle(result) : { keys: await this.#endAll(), reordered: 0 };
    } catch (cause) {
      const failure = `series that ended have no stale markers: the page before is unreadable: ${errorText(cause)}`;
      return { keys: [], reordered: 0, failure };
    }
  }

  async #settle({ packed, names, mayHaveEnded, added }: Result): Promise<EndedKeys> {
    const before = this.#last.members;
    this.#last = { members: packed.members, names };
    if (!mayHaveEnded || before.length === 0) return { keys: [], reordered: 0 };
    return await endedSeries(before, packed.members, added);
  }

  async #endAll(): Promise<string[]> {
    const before = this.#last.members;
    this.#last = NO_PAGE;
    this.#order.clear();
    const ended: string[] = [];
    for await (const key of keysOf(before)) ended.push(key);
    return ended;
  }

  #keyOf(name: string): string {
    const { labels } = this.target;
    return name + labelBlock(Object.keys(labels), Object.values(labels));
  }

  /** The series about the scrape. */
  #own(stampMs: number, durationSeconds: number, result: Result | undefined): string[] {
    const { settings } = this.target;
    const figures = {
      stampMs,
      durationSeconds,
      timeoutMs: settings.timeoutMs,
      samplesLimit: this.#world.limits.samples,
    };
    return ownLines((name) => this.#keyOf(name), { ...figures, result, seriesLimit: this.#limit });
  }
}
