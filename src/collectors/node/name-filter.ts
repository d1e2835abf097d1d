import type { Matching } from '../../config/re2/pattern.ts';

/** A pair of include and exclude expressions, as node_exporter's flags have them; an empty one counts as not given. */
export interface FilterOptions {
  readonly include: Matching | undefined;
  readonly exclude: Matching | undefined;
}

/**
 * Tells which names a collector shows: those that `include` matches, or else those that `exclude` does not.
 * `usualExclude` stands in when neither is given. Throws when both are, since their order would be a guess.
 */
export function nameFilter(
  unit: string,
  { include, exclude }: FilterOptions,
  usualExclude?: Matching,
): (name: string) => boolean {
  const wanted = given(include);
  const unwanted = exclude ? given(exclude) : wanted ? undefined : usualExclude;
  if (wanted && unwanted) throw new Error(`${unit}: include and exclude expressions are mutually exclusive`);
  if (wanted) return (name) => wanted.test(name);
  if (unwanted) return (name) => !unwanted.test(name);
  return () => true;
}

/** An empty expression would match every name, which nobody means. */
const given = (expression: Matching | undefined): Matching | undefined =>
  expression?.source === '' ? undefined : expression;
