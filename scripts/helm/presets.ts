import { resources } from '../../src/collectors/ksm/resources/index.ts';

/** Resources that the preset `complete` excludes, because a leak of these is worst. */
const LEFT_OUT: readonly string[] = ['secrets', 'configmaps'];

/** The only list of the presets with one item per line. */
const LIST = /(?<=^ {4}resources:\n)(?: {6}- \w+\n)+/m;

/** The chart's presets, with the resources of the code in `complete`. */
export function withAllResources(presets: string): string {
  if (!LIST.test(presets)) throw new Error('helm/files/presets.yaml: no list of resources with one item per line');
  const names = resources.map(({ name }) => name).filter((name) => !LEFT_OUT.includes(name));
  return presets.replace(
    LIST,
    names
      .toSorted()
      .map((name) => `      - ${name}\n`)
      .join(''),
  );
}
