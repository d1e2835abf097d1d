import type { Target } from '../../config/identity.ts';
import type { Group } from '../../metrics/group.ts';

/**
 * How long a target may be missing from the batches of a group before it counts as vanished. A scrape is pushed once,
 * and the longest interval is an hour. Results of other groups are in each batch.
 */
const GRACE_MS: Partial<Record<Group, number>> = { scrape: 65 * 60_000 };

interface Pushed {
  readonly target: Target;
  readonly lastMs: number;
}

/** The targets of groups whose lines carry their own identity, at a receiver that has one address for each target. */
export class TargetsPushed {
  readonly #byGroup = new Map<Group, Map<string, Pushed>>();

  /** All current targets. */
  get all(): (readonly [group: Group, targets: readonly Target[]])[] {
    return [...this.#byGroup].map(
      ([group, pushed]) => [group, [...pushed.values()].map(({ target }) => target)] as const,
    );
  }

  /** Records the targets of a batch with timestamp `stampMs`. Returns those that have vanished by then. */
  update(group: Group, targets: readonly Target[], stampMs: number): Target[] {
    const pushed = this.#byGroup.get(group) ?? new Map<string, Pushed>();
    this.#byGroup.set(group, pushed);
    for (const target of targets)
      pushed.set(JSON.stringify([target.job, target.instance]), { target, lastMs: stampMs });
    const gone: Target[] = [];
    for (const [key, { target, lastMs }] of pushed) {
      if (lastMs + (GRACE_MS[group] ?? 0) >= stampMs) continue;
      pushed.delete(key);
      gone.push(target);
    }
    return gone;
  }
}
