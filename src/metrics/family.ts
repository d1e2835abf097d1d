/** Metric types of the Prometheus text format 0.0.4. */
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';

/**
 * The common properties of all series with one name. A collector declares its families as data, and docs are generated
 * from them.
 */
export interface Family {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  /** Label names, in the order in which {@link Snapshot.add} takes their values. */
  readonly labels: readonly string[];
  /**
   * A counter that this agent itself starts at 0. When one of its series appears with a value, the zero before it is
   * pushed as well, so that `rate()` and `increase()` see its first count. Never set for foreign counters.
   */
  readonly startsAtZero?: boolean;
}

/** The value of a label for everything without its own name, because of a limit or because it matches nothing. */
export const OTHER = '__other__';

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Whether `name` is a valid metric name in the classic (non-UTF-8) grammar, the only one that all receivers accept. */
export const isMetricName = (name: string): boolean => METRIC_NAME.test(name);

/** Whether `name` is a valid label name; names that begin with `__` are reserved for internal use. */
export const isLabelName = (name: string): boolean => LABEL_NAME.test(name) && !name.startsWith('__');

/** `text` as a metric name: every other character becomes `_`. Empty only if `text` is. */
export const toMetricName = (text: string): string => text.replaceAll(/[^a-zA-Z0-9_:]/g, '_').replace(/^(?=\d)/, '_');

/** The same for a label name. */
export const toLabelName = (text: string): string =>
  text
    .replaceAll(/[^a-zA-Z0-9_]/g, '_')
    .replace(/^(?=\d)/, '_')
    .replace(/^__+/, '_');

/**
 * The name of the family among `families` that a sample belongs to: that of its own name, or the histogram or summary
 * that it is a part of. Its own name if there is none.
 */
export function familyNameOf(
  name: string,
  families: { get(name: string): { readonly type?: MetricType | undefined } | undefined },
): string {
  if (families.get(name) !== undefined) return name;
  const [, whole = '', part] = /^(.+)_(bucket|sum|count)$/.exec(name) ?? [];
  const type = families.get(whole)?.type;
  return type === 'histogram' || (type === 'summary' && part !== 'bucket') ? whole : name;
}

/** Declares a family. Throws on a name that no receiver would accept, which is a programming error. */
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

/** Declares a family whose type upstream leaves open. */
export const untyped = (name: string, help: string, labels: readonly string[] = []): Family =>
  family('untyped', name, help, labels);
