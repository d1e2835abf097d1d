import { holdsAllCapabilities } from '../../host/capabilities.ts';
import { DeniedFile } from '../../host/errors.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';

/**
 * Unreadable files of processes: one loss for each kind of file, since there may be thousands of processes. The reasons
 * are stored, because a denied file is not retried in every cycle.
 */
export class ProcessLosses {
  readonly #reasons = new Map<string, unknown>();
  readonly #counts = new Map<string, number>();
  readonly #hasCapabilities: boolean;

  constructor(hasCapabilities = holdsAllCapabilities()) {
    this.#hasCapabilities = hasCapabilities;
  }

  /** Keeps the reason why `file` can't be read, the latest of all processes. */
  explain(file: string, cause: unknown): void {
    this.#reasons.set(file, cause);
  }

  /** Counts a process without a readable `file`. */
  count(file: string): void {
    this.#counts.set(file, (this.#counts.get(file) ?? 0) + 1);
  }

  /**
   * Records the losses since the last call, when there were `processes`. A few that are protected from a process with
   * all capabilities (the init of a sandbox, a process of a stricter user namespace) are not a failure, because nothing
   * can be done about them. If most of them are unreadable, a security module denies access to this agent, which should
   * be reported.
   */
  addTo(out: Snapshot, processes: number): void {
    for (const [file, count] of this.#counts) {
      const unit = count === 1 ? `${file} of a process` : `${file} of ${count} processes, one of them`;
      const reason = this.#reasons.get(file);
      const isProtected = reason instanceof DeniedFile && this.#hasCapabilities && count <= processes / 2;
      if (isProtected) out.withheld.push(`${unit}: ${reason.message}`);
      else out.lose(unit, reason);
    }
    this.#counts.clear();
  }
}
