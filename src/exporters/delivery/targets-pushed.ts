import type { Target } from '../../config/identity.ts';
import type { Group } from '../../metrics/group.ts';

/** The targets of groups whose lines carry their own identity, at a receiver that has one address for each target. */
export class TargetsPushed {
  readonly #byGroup = new Map<Group, ReadonlyMap<string, Target>>();

  /** All targets of the last batches. */
  get all(): (readonly [group: Group, targets: readonly Target[]])[] {
    return [...this.#byGroup].map(([group, targets]) => [group, [...targets.values()]] as const);
  }

  /** Takes over the targets of a batch; gives those of the one before that are gone. */
  update(group: Group, targets: readonly Target[]): Target[] {
    const now = new Map(targets.map((target) => [JSON.stringify([target.job, target.instance]), target]));
    const before = this.#byGroup.get(group) ?? new Map<string, Target>();
    this.#byGroup.set(group, now);
    return [...before].filter(([key]) => !now.has(key)).map(([, target]) => target);
  }
}
