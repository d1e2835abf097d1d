/** Why a run did not take place. */
export type RunSkipReason = 'overlap' | 'late' | 'concurrency' | 'disabled' | 'standby';

/** The counters of a task. They survive changes of its settings. */
export interface TaskRecord {
  readonly id: string;
  type: string;
  readonly runs: Map<string, number>;
  readonly skipped: Map<RunSkipReason, number>;
  /** When the last run ended, and the last good one, milliseconds since 1970. */
  lastRunMs: number | undefined;
  lastSuccessMs: number | undefined;
  durationSeconds: number | undefined;
  /** When the task was removed, milliseconds since 1970. */
  removedMs: number | undefined;
}

/** How long the counters of a removed task are still pushed. */
const FORGET_MS = 3_600_000;
/** Tasks come and go through the API: maximum number of removed tasks that are remembered. */
const MAX_GONE = 1000;

/** The records of all tasks, by id. */
export class TaskRecords {
  readonly #records = new Map<string, TaskRecord>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The record of an existing task. */
  of(id: string, type: string): TaskRecord {
    const known = this.#records.get(id);
    if (known && known.type === type) {
      known.removedMs = undefined;
      return known;
    }
    const record: TaskRecord = {
      id,
      type,
      runs: new Map(),
      skipped: new Map(),
      lastRunMs: undefined,
      lastSuccessMs: undefined,
      durationSeconds: undefined,
      removedMs: undefined,
    };
    this.#records.set(id, record);
    return record;
  }

  removed(record: TaskRecord): void {
    record.removedMs = this.#now();
    const gone = [...this.#records.values()].filter(({ removedMs }) => removedMs !== undefined);
    if (gone[0] && gone.length > MAX_GONE) this.#records.delete(gone[0].id);
  }

  /** All records that are still needed. */
  all(): Iterable<TaskRecord> {
    for (const [id, { removedMs }] of this.#records) {
      if (removedMs !== undefined && this.#now() - removedMs > FORGET_MS) this.#records.delete(id);
    }
    return this.#records.values();
  }
}

/** Adds to a count by name. */
export function increment<Key>(counts: Map<Key, number>, key: Key, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
