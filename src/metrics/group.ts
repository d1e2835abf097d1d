/**
 * The groups of series. Each becomes one batch per cycle. Most have one job and instance for all of their series. The
 * agent's own group comes last, because it reports on the others.
 */
export const GROUPS = [
  'node',
  'container',
  'kubelet',
  'process',
  'ksm',
  'agent',
  'probe',
  'scrape',
  'exec',
  'log',
  'pushed',
  'event',
] as const;
export type Group = (typeof GROUPS)[number];

/** Groups whose series have their own `job` and `instance` labels, with several targets in one batch. */
const INLINE_GROUPS = ['probe', 'scrape', 'pushed'] as const satisfies readonly Group[];
type InlineGroup = (typeof INLINE_GROUPS)[number];

/** Whether the series of a group carry their own job and instance. */
export const isInline = (group: string): group is InlineGroup => INLINE_GROUPS.some((one) => one === group);
