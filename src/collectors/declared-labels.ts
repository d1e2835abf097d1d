import { budgetFamilies } from '../metrics/budget.ts';
import type { Family } from '../metrics/family.ts';
import type { Group } from '../metrics/group.ts';
import { resultFamilies } from '../metrics/result-samples.ts';
import { containerFamiliesOf } from './container/index.ts';
import { eventFamilies } from './event/families.ts';
import { readCustomResources } from './ksm/custom/file.ts';
import { familyFilter } from './ksm/family-filter.ts';
import { resources } from './ksm/resources/index.ts';
import type { KsmSection } from './ksm/section.ts';
import { logFamilies } from './log/section.ts';
import { nodeFamilies } from './node/index.ts';
import { families as processFamilies } from './process/families.ts';
import type { CollectorsConfig } from './sections.ts';

/** The labels that a group declares, each with the families that have it. */
type DeclaredLabels = ReadonlyMap<string, readonly string[]>;

/** The bound labels of histograms and summaries, which no family declares. */
const BOUNDS: DeclaredLabels = new Map([
  ['le', ['histograms', 'native histograms']],
  ['quantile', ['summaries', 'summaries of the agent']],
]);

/**
 * The labels of all collectors in use, including custom resources, and of the metrics about the collectors. Names that
 * are only known at run time (textfiles, `label_…` of objects) are not included.
 */
export function declaredLabels(collectors: CollectorsConfig): Map<Group, DeclaredLabels> {
  const { node, container, process, ksm, event } = collectors;
  const found = new Map<Group, DeclaredLabels>();
  const add = (group: Group, isInUse: boolean, families: () => readonly Pick<Family, 'name' | 'labels'>[]) => {
    if (isInUse) found.set(group, labelsOf(families()));
  };
  add('node', node.enabled, () => nodeFamilies(node));
  add('container', container.enabled, () => containerFamiliesOf(container));
  add('process', process.enabled, () => processFamilies);
  add('agent', true, () => [...resultFamilies, ...budgetFamilies]);
  const ofLogs = logFamilies(collectors);
  add('log', ofLogs.length > 0, () => ofLogs);
  add('event', event.enabled, () => eventFamilies(event));
  add('ksm', ksm.enabled, () => kubeFamilies(ksm));
  return found;
}

function labelsOf(families: readonly Pick<Family, 'name' | 'labels'>[]): DeclaredLabels {
  const labels = new Map<string, string[]>();
  for (const { name, labels: own } of families) {
    for (const label of own) {
      const found = labels.get(label);
      if (!found) labels.set(label, [name]);
      else if (!found.includes(name)) found.push(name);
    }
  }
  return new Map([...labels, ...BOUNDS]);
}

/** Without custom resources when their file can't be used: the agent reports the reason at startup. */
function kubeFamilies(section: KsmSection): Pick<Family, 'name' | 'labels'>[] {
  const includes = familyFilter(section);
  const wanted = new Set<string>(section.resources);
  const followed = [...resources.filter(({ name }) => wanted.has(name)), ...readCustomResources(section).resources];
  return followed.flatMap(({ identity, families }) =>
    families.filter(includes).map(({ family: { name, labels }, extraLabels = [] }) => ({
      name,
      labels: [...identity.labels, ...labels, ...extraLabels.filter((label) => !label.includes('*'))],
    })),
  );
}
