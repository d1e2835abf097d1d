/** The groups of collectors; each becomes one body with its own job and instance. */
export const GROUPS = ['node', 'container', 'kubelet', 'process', 'ksm', 'agent'] as const;
export type Group = (typeof GROUPS)[number];
