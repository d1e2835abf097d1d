/** The action of a rule, as Prometheus names it. */
export const RELABEL_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
  'hashmod',
] as const;
export type RelabelAction = (typeof RELABEL_ACTIONS)[number];

/** An expression with linear-time matching that matches a whole text. Groups are by number and by name. */
export interface RelabelPattern {
  readonly source: string;
  test(text: string): boolean;
  /** Undefined when nothing matches. */
  groups(text: string): ReadonlyMap<string, string> | undefined;
}

/**
 * One rule, with defaults filled in.
 * https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
 */
export interface RelabelRule {
  readonly action: RelabelAction;
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: RelabelPattern;
  /** Whether `regex` is the default, which matches everything. */
  readonly matchesAll: boolean;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly modulus: number;
}

/** The label that contains the name of a series. */
export const NAME = '__name__';
