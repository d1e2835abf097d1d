import type { Matching } from '../../config/re2/pattern.ts';

/** A pair of include and exclude expressions, as in node_exporter's flags; an empty one counts as unset. */
interface FilterOptions {
  readonly include: Matching | undefined;
  readonly exclude: Matching | undefined;
}

/**
 * Decides which names a collector exports: those that `include` matches, or else those that `exclude` does not.
 * `usualExclude` is the default if neither is given. Throws if both are given, since their order would be ambiguous.
 */
export function nameFilter(
  collector: string,
  { include, exclude }: FilterOptions,
  usualExclude?: Matching,
): (name: string) => boolean {
  const wanted = given(include);
  const unwanted = exclude ? given(exclude) : wanted ? undefined : usualExclude;
  if (wanted && unwanted) throw new Error(`${collector}: include and exclude expressions are mutually exclusive`);
  if (wanted) return (name) => wanted.test(name);
  if (unwanted) return (name) => !unwanted.test(name);
  return () => true;
}

/** An empty expression would match every name, which is never intended. */
const given = (expression: Matching | undefined): Matching | undefined =>
  expression?.source === '' ? undefined : expression;
