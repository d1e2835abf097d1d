import type { CollectorView, DisabledView, RunView } from '../http/status-view.ts';
import type { CollectorResult, ResourceStatus } from '../metrics/outcome.ts';

/** Number of remembered durations: a quarter of an hour at the default interval. */
const KEPT_RUNS = 60;
const SHOWN_ERRORS = 5;
const LONGEST_ERROR = 500;

/** A collector, from the registry. */
export interface CollectorName {
  readonly group: string;
  readonly name: string;
  /** The resources that it follows. */
  readonly resources?: () => readonly ResourceStatus[];
}

/** One run, for display. */
export const runView = ({ outcome, durationSeconds, samples, reason, ...losses }: CollectorResult): RunView => ({
  state: outcome,
  durationSeconds,
  series: samples,
  ...(reason !== undefined && { reason }),
  ...lossesOf(losses),
});

/** The name of a collector in paths and logs. */
export const collectorId = ({ group, name }: CollectorName): string => `${group}.${name}`;

interface Runs {
  lastMs: number;
  result: CollectorResult;
  readonly durations: number[];
}

/** Results of the last runs of each collector. */
export class CollectorRuns {
  readonly #runs = new Map<string, Runs>();

  /** Adds a run that started at `startedMs`. */
  add(startedMs: number, result: CollectorResult): void {
    const id = collectorId({ group: result.group, name: result.collector });
    const runs = this.#runs.get(id) ?? { lastMs: startedMs, result, durations: [] };
    this.#runs.set(id, runs);
    runs.result = result;
    // An excluded collector has not run.
    if (result.outcome === 'disabled') return;
    runs.lastMs = startedMs;
    runs.durations.push(result.durationSeconds);
    if (runs.durations.length > KEPT_RUNS) runs.durations.shift();
  }

  /** Removes collectors that a reload has removed. */
  keepOnly(names: readonly CollectorName[]): void {
    const ids = new Set(names.map(collectorId));
    for (const id of this.#runs.keys()) if (!ids.has(id)) this.#runs.delete(id);
  }

  /** A collector for display; `extraSeries` is the number of series that do not come from runs. */
  view(collector: CollectorName, disabled: DisabledView | undefined, extraSeries: number): CollectorView {
    const { group, name } = collector;
    const id = collectorId(collector);
    const runs = this.#runs.get(id);
    const off = disabled && { disabled };
    if (runs === undefined || runs.durations.length === 0) {
      const state = disabled ? 'disabled' : 'waiting';
      return { id, group, name, state, durationsSeconds: [], series: 0, lostUnits: 0, errors: [], ...off };
    }
    const { result, lastMs, durations } = runs;
    const reason = disabled?.reason ?? (result.outcome === 'disabled' ? undefined : result.reason);
    return {
      id,
      group,
      name,
      state: disabled ? 'disabled' : result.outcome === 'disabled' ? 'waiting' : result.outcome,
      lastRunMs: lastMs,
      durationsSeconds: [...durations],
      series: disabled ? 0 : result.samples + extraSeries,
      ...(reason !== undefined && { reason }),
      ...lossesOf(result),
      ...off,
    };
  }
}

const lossesOf = ({
  errors,
  withheld,
}: Pick<CollectorResult, 'errors' | 'withheld'>): Pick<RunView, 'lostUnits' | 'errors' | 'withheld'> => ({
  lostUnits: errors.length,
  ...(withheld.length > 0 && { withheld }),
  errors: errors.slice(0, SHOWN_ERRORS).map(({ message }) => message.slice(0, LONGEST_ERROR)),
});
