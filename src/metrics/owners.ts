import type { Family } from './family.ts';
import { isInline } from './group.ts';
import type { Run } from './run.ts';
import type { Snapshot } from './snapshot.ts';

/** The first collector of a group to provide a family. */
interface Owner {
  readonly group: string;
  readonly where: string;
  readonly family: Family;
}

/** Owners by family name. */
type Owners = Map<string, readonly Owner[]>;

/** Families that the push itself adds to each group with one job and instance. */
const OF_THE_PUSH: ReadonlySet<string> = new Set(['up']);

/** Decides which collector owns a family that two provide: the first one. */
export class FamilyOwners {
  /** The families of each run of the last cycle that has some; empty if some were rejected. */
  #accepted: readonly Snapshot['families'][] = [];

  /**
   * The runs of a cycle, in order, without the families that others own: those before them, or the agent itself, whose
   * metrics are `own`. Two collectors may provide the same Family object. Then they know of each other and provide
   * different series.
   */
  settle(own: Snapshot, ownGroup: string, runs: readonly Run[]): readonly Run[] {
    // Snapshots share the map of families for as long as their series stay the same; empty ones share none.
    const filled = [own, ...runs.map(({ snapshot }) => snapshot)].filter(({ size }) => size > 0);
    const families = filled.map((snapshot) => snapshot.families);
    const isAsBefore =
      families.length === this.#accepted.length && families.every((one, at) => one === this.#accepted[at]);
    if (isAsBefore) return runs;
    const owners: Owners = new Map();
    for (const [name, family] of own.families) {
      owners.set(name, [{ group: ownGroup, where: `${ownGroup} (self metrics)`, family }]);
    }
    const settled = runs.map((run) => refuseTaken(run, owners));
    this.#accepted = settled.every((run, at) => run === runs[at]) ? families : [];
    return settled;
  }
}

/** Rejects the families of a run that another collector owns, and records those that it is the first to provide. */
function refuseTaken(run: Run, owners: Owners): Run {
  const { snapshot, result } = run;
  const here = `${result.group}.${result.collector}`;
  const errors = new Map<string, Error>();
  for (const [name, family] of snapshot.families) {
    const known = owners.get(name) ?? [];
    const isOfThePush = OF_THE_PUSH.has(name) && !isInline(result.group);
    const reason = isOfThePush ? 'is added by the push itself' : refusalOf(family, result.group, known, run.shares);
    if (reason !== undefined) errors.set(name, new Error(`family ${name} ${reason}; rejected from ${here}`));
    else if (!known.some(({ group }) => group === result.group)) {
      owners.set(name, [...known, { group: result.group, where: here, family }]);
    }
  }
  const [first] = errors.values();
  if (first === undefined) return run;
  const rest = snapshot.without(new Set(errors.keys()));
  const lost = [...errors.values(), ...result.errors];
  const outcome =
    rest.size > 0 ? ({ outcome: 'partial' } as const) : ({ outcome: 'fault', reason: first.message } as const);
  return { snapshot: rest, result: { ...result, ...outcome, errors: lost, samples: rest.size } };
}

/** Why a family is rejected from a collector of `group`; undefined when it is accepted. */
function refusalOf(family: Family, group: string, known: readonly Owner[], shares = false): string | undefined {
  for (const { group: other, where, family: first } of known) {
    if (first === family) continue;
    if (other === group && !shares) return `already comes from ${where}`;
    if (first.type !== family.type) return `is a ${first.type} of ${where}, but ${family.type} here`;
  }
  return undefined;
}
