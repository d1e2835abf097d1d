import type { CollectorView, ExporterView, ReloadView, StatusView } from '../http/status-view.ts';
import type { CollectorResult } from '../metrics/outcome.ts';
import type { Prepared } from '../metrics/prepared.ts';
import { type CollectorName, CollectorRuns, collectorId } from './collectors.ts';
import type { Disables } from './disables.ts';
import { Explorer } from './explorer.ts';
import { Forecast } from './forecast.ts';
import { History, type ProcessUse } from './history.ts';
import type { LastCycle } from './last-cycle.ts';

const TOP_FAMILIES = 20;

/** The result of a cycle. */
interface CycleRecord extends LastCycle {
  readonly samples: number;
  readonly results: readonly CollectorResult[];
}

/** The sources of a status; evaluated each time, because a reload changes them. */
interface StatusSources {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly disables: Disables;
  readonly collectors: () => readonly CollectorName[];
  readonly prepared: () => readonly Prepared[];
  readonly exporters: () => readonly { status(): ExporterView }[];
  readonly process: () => ProcessUse;
  /** The collector of a group that provides a family. */
  readonly collectorOf: (family: string, group: string) => string | undefined;
  readonly budgets: () => StatusView['budgets'];
  readonly cycle: () => Pick<StatusView['cycle'], 'intervalSeconds' | 'nextMs'>;
  readonly rest: () => Pick<
    StatusView,
    'agent' | 'election' | 'identity' | 'scrape' | 'logs' | 'control' | 'config' | 'tasks'
  >;
}

/** Records the results of cycles, and combines them with the other data of the status page. */
export class Status {
  readonly explorer: Explorer;
  readonly #sources: StatusSources;
  readonly #runs = new CollectorRuns();
  readonly #history = new History();
  readonly #forecast = new Forecast();
  #last: LastCycle | undefined;
  #cycle: Pick<StatusView['cycle'], 'count' | 'skipped' | 'lastMs' | 'durationSeconds' | 'samples'> = {
    count: 0,
    skipped: 0,
  };
  #reload: StatusView['reload'];

  constructor(sources: StatusSources) {
    this.#sources = sources;
    this.explorer = new Explorer(
      () => this.#last,
      () => this.#prepared(),
      sources.budgets,
    );
  }

  /** Records a cycle, and keeps its data until the next one. */
  cycleEnded({ stampMs, groups, samples, results }: CycleRecord, durationSeconds: number): void {
    this.#last = { stampMs, groups };
    for (const result of results) this.#runs.add(stampMs, result);
    this.#runs.keepOnly(this.#sources.collectors());
    const { count, skipped } = this.#cycle;
    this.#cycle = { count: count + 1, skipped, lastMs: stampMs, durationSeconds, samples };
    const now = this.#sources.now();
    const exporters = this.#sources.exporters().map((exporter) => exporter.status());
    this.#history.add(now, this.#sources.process(), exporters, skipped);
    this.#forecast.add(now, exporters);
  }

  /** Records a skipped tick. */
  cycleSkipped(): void {
    this.#cycle = { ...this.#cycle, skipped: this.#cycle.skipped + 1 };
  }

  /** Records a run outside the schedule that started at `startedMs`. */
  ranAlone(startedMs: number, result: CollectorResult): void {
    this.#runs.add(startedMs, result);
  }

  /** Records a change of the configuration. */
  reloaded(reload: ReloadView): void {
    this.#reload = { ...reload, atMs: this.#sources.now() };
  }

  /** All collectors, by group and name. */
  collectors(): CollectorView[] {
    return this.#sources
      .collectors()
      .map((name) => this.#view(name))
      .sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** One collector; undefined if there is none with that id. */
  collector(id: string): CollectorView | undefined {
    const name = this.#sources.collectors().find((one) => collectorId(one) === id);
    return name && this.#view(name);
  }

  /** Everything. */
  view(): StatusView {
    const { now, cycle, budgets, rest } = this.#sources;
    const nowMs = now();
    const timing = cycle();
    return {
      nowMs,
      ...rest(),
      budgets: budgets(),
      cycle: { ...timing, ...this.#cycle },
      collectors: this.collectors(),
      exporters: this.#exporters(nowMs, timing.intervalSeconds * 1000),
      history: this.#history.view,
      topFamilies: this.explorer.top(TOP_FAMILIES),
      ...(this.#reload && { reload: this.#reload }),
    };
  }

  #exporters(nowMs: number, intervalMs: number): ExporterView[] {
    return this.#sources.exporters().map((exporter) => {
      const view = exporter.status();
      const lossInSeconds = this.#forecast.lossInSeconds(view, nowMs, intervalMs);
      return lossInSeconds === undefined ? view : { ...view, lossInSeconds };
    });
  }

  #view(name: CollectorName): CollectorView {
    const own = this.#sources
      .prepared()
      .filter(({ group, collector }) => group === name.group && collector === name.name);
    const series = own.flatMap((part) => part.families()).reduce((sum, { series }) => sum + series, 0);
    const leftOut = this.#leftOutOf(name);
    return {
      ...this.#runs.view(name, this.#sources.disables.get(collectorId(name)), series),
      ...(leftOut.length > 0 && { leftOut }),
      ...(name.resources && { resources: name.resources() }),
    };
  }

  /** Its families that the budget dropped from the last push. */
  #leftOutOf({ group, name }: CollectorName): StatusView['budgets'][number]['dropped'] {
    const { budgets, collectorOf } = this.#sources;
    const budget = budgets().find((one) => one.group === group);
    return (budget?.dropped ?? []).filter(({ family }) => collectorOf(family, group) === name);
  }

  /** Without those whose collector is disabled. */
  #prepared(): readonly Prepared[] {
    const { prepared, disables } = this.#sources;
    return prepared().filter(
      ({ group, collector }) => disables.get(collectorId({ group, name: collector })) === undefined,
    );
  }
}
