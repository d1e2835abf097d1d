import { byName } from '../base/by-name.ts';
import { JOBS } from './make.ts';
import type { TaskSettings } from './settings.ts';

/**
 * The tasks whose series get the label `task`, because they would duplicate others: node collectors that run more than
 * once, and probes of a target that an earlier task with the same job and labels probes. `collectors` are the names of
 * the node collectors in use.
 */
export function labelledTasks(
  tasks: readonly TaskSettings[],
  collectors: ReadonlySet<string>,
): ReadonlySet<TaskSettings> {
  return new Set([...repeatedCollectors(tasks, collectors), ...repeatedProbes(tasks)]);
}

function repeatedCollectors(tasks: readonly TaskSettings[], collectors: ReadonlySet<string>): TaskSettings[] {
  const node = tasks.filter(({ type }) => type.group === 'node');
  const families = new Map<string, number>();
  const note = (names: Iterable<string>) => {
    for (const name of names) families.set(name, (families.get(name) ?? 0) + 1);
  };
  const namesOf = ({ type }: TaskSettings) => new Set([type.name, ...type.families.map(({ name }) => name)]);
  for (const task of node) note(namesOf(task));
  note([...collectors].map((name) => `node.${name}`));
  return node.filter((task) => [...namesOf(task)].some((name) => (families.get(name) ?? 0) > 1));
}

/** The first task that probes a target keeps its series unchanged. */
function repeatedProbes(tasks: readonly TaskSettings[]): TaskSettings[] {
  const known = new Set<string>();
  return tasks.filter((task) => {
    if (task.type.group !== 'probe') return false;
    const identities = identitiesOf(task);
    const isRepeated = identities.some((identity) => known.has(identity));
    if (!isRepeated) for (const identity of identities) known.add(identity);
    return isRepeated;
  });
}

/** Labels that distinguish the series of each target of a probe from those of other probes. */
function identitiesOf({ common, type, options }: TaskSettings): string[] {
  const { targets } = options;
  const labels = Object.entries(common.labels).sort(byName);
  const job = common.job ?? JOBS[type.group];
  return Array.isArray(targets) ? targets.map((target) => JSON.stringify([job, labels, target])) : [];
}
