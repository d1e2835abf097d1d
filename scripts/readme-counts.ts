import { resources } from '../src/collectors/ksm/resources/index.ts';
import { nodeCollectors } from '../src/collectors/node/index.ts';

/** The README with the numbers of collectors, resources and families from the code. */
export function withCounts(readme: string): string {
  const families = resources.reduce((sum, { families }) => sum + families.length, 0);
  return readme
    .replace(/\b\d+ collectors(?=: \[docs\/metrics\/node\.md\])/, `${nodeCollectors.length} collectors`)
    .replace(/\b\d+ resources, \d+ families/, `${resources.length} resources, ${families} families`);
}
