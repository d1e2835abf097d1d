import type { Differences } from './compare.ts';

/**
 * The differences found by both of two comparisons. Moving values differ once; really different values differ each
 * time. Values are those of the later comparison.
 */
export function persistent(first: Differences, second: Differences): Differences {
  const both = <T>(a: readonly T[], b: readonly T[], key: (one: T) => string): T[] => {
    const known = new Set(a.map(key));
    return b.filter((one) => known.has(key(one)));
  };
  const itself = (series: string) => series;
  return {
    compared: second.compared,
    namesOnlyTheirs: both(first.namesOnlyTheirs, second.namesOnlyTheirs, ({ name }) => name),
    namesOnlyOurs: both(first.namesOnlyOurs, second.namesOnlyOurs, ({ name }) => name),
    seriesOnlyTheirs: both(first.seriesOnlyTheirs, second.seriesOnlyTheirs, itself),
    seriesOnlyOurs: both(first.seriesOnlyOurs, second.seriesOnlyOurs, itself),
    values: both(first.values, second.values, ({ series }) => series),
  };
}
