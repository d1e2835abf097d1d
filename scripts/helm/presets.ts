import { resources } from '../../src/collectors/ksm/resources/index.ts';

/** What the preset `complete` leaves out: a leak of these costs most. */
const LEFT_OUT: readonly string[] = ['secrets', 'configmaps'];

/** The only list of the presets with an item a line. */
const LIST = /(?<=^ {4}resources:\n)(?: {6}- \w+\n)+/m;

/** The chart's presets, of which `complete` names the resources that the code has. */
export function withAllResources(presets: string): string {
  if (!LIST.test(presets)) throw new Error('helm/files/presets.yaml: no list of resources, an item a line');
  const names = resources.map(({ name }) => name).filter((name) => !LEFT_OUT.includes(name));
  return presets.replace(
    LIST,
    names
      .toSorted()
      .map((name) => `      - ${name}\n`)
      .join(''),
  );
}
