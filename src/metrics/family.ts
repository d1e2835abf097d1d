/** Metric types of the Prometheus text format 0.0.4. */
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';

/** What all series of one name have in common. A collector declares its families as data; docs are generated from them. */
export interface Family {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  /** Label names, in the order in which {@link Snapshot.add} takes their values. */
  readonly labels: readonly string[];
  /**
   * A counter that this agent itself starts at 0: when a series of it appears with a value, the zero that belongs before it is
   * pushed as well, so that `rate()` and `increase()` see its first count. Never for counters of others.
   */
  readonly startsAtZero?: boolean;
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Whether `name` may name a metric in the classic (non-UTF-8) grammar, the only one that all receivers take. */
export const isMetricName = (name: string): boolean => METRIC_NAME.test(name);

/** Whether `name` may name a label; `__` is reserved for the receivers. */
export const isLabelName = (name: string): boolean => LABEL_NAME.test(name) && !name.startsWith('__');

/** Declares a family. Throws on a name no receiver would take: a mistake of the programmer, not of the host. */
export function family(type: MetricType, name: string, help: string, labels: readonly string[] = []): Family {
  if (!isMetricName(name)) throw new Error(`BUG: bad metric name ${JSON.stringify(name)}`);
  for (const label of labels) {
    if (!isLabelName(label)) throw new Error(`BUG: ${name} has a bad label name ${JSON.stringify(label)}`);
  }
  return { name, type, help, labels };
}

/** Declares a gauge: a value that goes up and down. */
export const gauge = (name: string, help: string, labels: readonly string[] = []): Family =>
  family('gauge', name, help, labels);

/** Declares a counter: a value that only grows, or restarts at 0. */
export const counter = (name: string, help: string, labels: readonly string[] = []): Family =>
  family('counter', name, help, labels);

/** Declares a counter that this agent itself starts: see {@link Family.startsAtZero}. */
export const ownCounter = (name: string, help: string, labels: readonly string[] = []): Family => ({
  ...counter(name, help, labels),
  startsAtZero: true,
});

/** Declares a family whose meaning upstream leaves open. */
export const untyped = (name: string, help: string, labels: readonly string[] = []): Family =>
  family('untyped', name, help, labels);
