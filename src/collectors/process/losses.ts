import type { Snapshot } from '../../metrics/snapshot.ts';

/**
 * Unreadable files of processes: one loss for each kind of file, since there may be thousands of processes. The reasons
 * are stored, because a denied file is not retried in every cycle.
 */
export class Losses {
  readonly #reasons = new Map<string, unknown>();
  readonly #counts = new Map<string, number>();

  /** Keeps the reason why `file` can't be read, the latest of all processes. */
  explain(file: string, cause: unknown): void {
    this.#reasons.set(file, cause);
  }

  /** Counts a process that lacks `file`. */
  count(file: string): void {
    this.#counts.set(file, (this.#counts.get(file) ?? 0) + 1);
  }

  /** Records the losses since the last call. */
  addTo(out: Snapshot): void {
    for (const [file, count] of this.#counts) {
      const unit = count === 1 ? `${file} of a process` : `${file} of ${count} processes, one of them`;
      out.lose(unit, this.#reasons.get(file));
    }
    this.#counts.clear();
  }
}
