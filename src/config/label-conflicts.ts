import type { Group } from '../metrics/group.ts';

/** The labels that the collectors in use declare, by group, each with the families that have it. */
export type Declared<Collectors> = (collectors: Collectors) => DeclaredByGroup;

type DeclaredByGroup = ReadonlyMap<Group, ReadonlyMap<string, readonly string[]>>;

/** The configured labels for all series. */
interface LabelSettings {
  readonly labels: Readonly<Record<string, string>>;
  readonly identity: Readonly<Record<Group, { readonly labels: Readonly<Record<string, string>> }>>;
}

/** A configured label that also exists on families. One of the two texts is set. */
interface LabelConflict {
  readonly path: readonly string[];
  /** Why the configuration can't be used. */
  readonly refused?: string;
  /** What happens instead, if it can be used. */
  readonly renamed?: string;
}

/**
 * The labels of the configuration that the families in use have as well. Where a single family has it, that family's
 * label is pushed as `exported_…`, as in a scrape: a new collector must not keep an agent from starting. A label of
 * several families is one that queries join on, and is refused (docs/decisions/0013-labels-that-one-family-has.md).
 */
export function labelConflicts({ labels, identity }: LabelSettings, declared: DeclaredByGroup): LabelConflict[] {
  const found: LabelConflict[] = [];
  const check = (path: readonly string[], families: readonly string[]) => {
    const [first, ...more] = families;
    const name = path.at(-1);
    if (first === undefined) return;
    if (more.length === 0) {
      found.push({
        path,
        renamed: `${path.join('.')}: ${first} has a label of this name: it is pushed as exported_${name}`,
      });
      return;
    }
    found.push({
      path,
      refused: `${first} has a label of this name, which would be overwritten on every series: choose another name`,
    });
  };
  for (const name of Object.keys(labels)) {
    check(
      ['labels', name],
      [...declared.values()].flatMap((own) => own.get(name) ?? []),
    );
  }
  for (const [group, own] of declared) {
    for (const name of Object.keys(identity[group].labels)) {
      check(['identity', group, 'labels', name], own.get(name) ?? []);
    }
  }
  return found;
}
