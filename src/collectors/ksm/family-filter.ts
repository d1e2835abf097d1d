import type { KubeFamily } from './resource.ts';

/** Which families to tell, as kube-state-metrics' options say it. */
export interface FamilyPatterns {
  /** Tell only these; together with a denylist this is a contradiction. */
  readonly metricAllowlist: readonly string[];
  /** Tell all but these. */
  readonly metricDenylist: readonly string[];
  /** Opt-in families to tell as well. */
  readonly metricOptInList: readonly string[];
}

/**
 * Whether a family is wanted. The patterns are regular expressions that match anywhere in the name. Throws an Error
 * for a pattern that is none.
 */
export function familyFilter(patterns: FamilyPatterns): (family: KubeFamily) => boolean {
  const [allowed, denied, optedIn] = [patterns.metricAllowlist, patterns.metricDenylist, patterns.metricOptInList].map(
    (list) => list.map(metricPattern),
  ) as [RegExp[], RegExp[], RegExp[]];
  const matches = (list: readonly RegExp[], name: string) => list.some((pattern) => pattern.test(name));
  return ({ family: { name }, optIn }) =>
    (allowed.length === 0 || matches(allowed, name)) && !matches(denied, name) && (!optIn || matches(optedIn, name));
}

/** Compiles one pattern: ECMAScript's dialect, which kube-state-metrics promises for them. */
export function metricPattern(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (cause) {
    throw new Error(`${JSON.stringify(source)} is no regular expression`, { cause });
  }
}
