import { resources } from '../src/collectors/ksm/resources/index.ts';
import { nodeCollectors } from '../src/collectors/node/index.ts';

/** The README with the numbers of collectors, resources and families from the code. Throws where it has no such number. */
export function withCounts(readme: string): string {
  const families = resources.reduce((sum, { families }) => sum + families.length, 0);
  const counts: readonly (readonly [place: RegExp, text: string])[] = [
    [/\b\d+ collectors(?=: \[docs\/metrics\/node\.md\])/, `${nodeCollectors.length} collectors`],
    [/\b\d+ resources, \d+ families/, `${resources.length} resources, ${families} families`],
  ];
  return counts.reduce((text, [place, count]) => {
    if (!place.test(text)) throw new Error(`README.md lacks a place for "${count}"`);
    return text.replace(place, count);
  }, readme);
}
