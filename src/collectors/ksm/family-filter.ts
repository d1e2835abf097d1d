import { runInNewContext } from 'node:vm';
import { errorText } from '../../base/error-text.ts';
import { type Matching, Pattern } from '../../config/re2/pattern.ts';
import { PatternError } from '../../config/re2/pattern-text.ts';
import type { KubeFamily } from './resource.ts';

/** Which families to expose, in terms of kube-state-metrics' options. */
export interface FamilyPatterns {
  /** Expose only these; must not be combined with a denylist. */
  readonly metricAllowlist: readonly string[];
  /** Expose all except these. */
  readonly metricDenylist: readonly string[];
  /** Opt-in families to expose as well. */
  readonly metricOptInList: readonly string[];
}

/**
 * Whether a family is wanted. The patterns are regular expressions that match anywhere in the name. Throws PatternError
 * for an invalid pattern.
 */
export function familyFilter(patterns: FamilyPatterns): (family: Pick<KubeFamily, 'family' | 'optIn'>) => boolean {
  const allowed = patterns.metricAllowlist.map(metricPattern);
  const denied = patterns.metricDenylist.map(metricPattern);
  const optedIn = patterns.metricOptInList.map(metricPattern);
  const matches = (list: readonly Matching[], name: string) => list.some((pattern) => pattern.test(name));
  return ({ family: { name }, optIn }) =>
    (allowed.length === 0 || matches(allowed, name)) && !matches(denied, name) && (!optIn || matches(optedIn, name));
}

/** ECMAScript features beyond RE2 that kube-state-metrics promises for these options. */
const LOOKS_AROUND = /\(\?<?[=!]/;

/** A few hundred names are checked, once. */
const MATCH_MS = 100;

/** Compiles one pattern, which may contain lookaheads or lookbehinds: then each name is matched with a deadline. */
export function metricPattern(source: string): Matching {
  if (!LOOKS_AROUND.test(source)) return Pattern.of(source);
  const ask = (name: string): boolean => {
    try {
      return runInNewContext('new RegExp(source).test(name)', { source, name }, { timeout: MATCH_MS });
    } catch (cause) {
      throw new PatternError(source, errorText(cause));
    }
  };
  ask('kube_pod_status_phase_and_a_name_of_common_length');
  return { source, test: ask };
}
