import type { Snapshot } from '../../metrics/snapshot.ts';
import type { CounterSet } from './counter-set.ts';
import { savedFields } from './saved.ts';
import type { LogState } from './state.ts';

/** Further state of a collector besides its counters. */
interface FurtherState {
  dump(): unknown;
  /** Returns the keys of further counters that continue. */
  restore(saved: unknown): readonly string[];
  /** Stops activities in progress, because a reload has replaced the collector. */
  release?(): void;
}

const NOTHING: FurtherState = { dump: () => undefined, restore: () => [] };

/**
 * The counters of a collector as a section of the state: they continue after a restart, and the first snapshot marks
 * which of them do, so that they do not count as new ones.
 */
export class Remembered {
  readonly #state: LogState;
  readonly #name: string;
  readonly #counters: Readonly<Record<string, CounterSet>>;
  readonly #extra: FurtherState;
  #continued: Set<string> | undefined;
  #ready: Promise<void> | undefined;

  /** `counters` by their names in the file. */
  constructor(
    state: LogState,
    name: string,
    counters: Readonly<Record<string, CounterSet>>,
    extra: FurtherState = NOTHING,
  ) {
    this.#state = state;
    this.#name = name;
    this.#counters = counters;
    this.#extra = extra;
  }

  /** Restores the saved state, once. */
  prepare(): Promise<void> {
    this.#ready ??= this.#restore();
    return this.#ready;
  }

  /**
   * Saves the state, then adds all counters, or only the named ones, to `out`; failing to save the state is a separate
   * loss.
   */
  async emit(out: Snapshot, only?: readonly string[]): Promise<void> {
    const problem = this.#state.takeProblem();
    if (problem !== undefined) out.lose('state', problem);
    await this.#state.save().catch((cause: unknown) => out.lose('state', cause));
    for (const [name, counters] of Object.entries(this.#counters)) {
      if (only?.includes(name) !== false) counters.emit(out);
    }
    out.continued = this.#continued;
    this.#continued = undefined;
  }

  async #restore(): Promise<void> {
    const dump = () => ({
      counters: Object.fromEntries(Object.entries(this.#counters).map(([name, set]) => [name, set.dump()])),
      extra: this.#extra.dump(),
    });
    const saved = await this.#state.take(this.#name, { dump, release: () => this.#extra.release?.() });
    if (typeof saved !== 'object' || saved === null) return;
    const { counters, extra } = savedFields(saved);
    const counted = savedFields(counters);
    const keys = Object.entries(this.#counters).flatMap(([name, set]) => set.restore(counted[name]));
    const further = extra === undefined ? [] : this.#extra.restore(extra);
    this.#continued = new Set([...keys, ...further]);
  }
}
