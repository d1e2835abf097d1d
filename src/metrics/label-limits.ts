/** A receiver's limits for a series. VictoriaMetrics drops series that exceed them without an error to the sender. */
export interface LabelLimits {
  /** Labels of a series, including its name and those that the push adds. */
  readonly labels: number;
  /** Bytes of a label's name. */
  readonly nameBytes: number;
  /** Bytes of a label's value, and of the name of the series. */
  readonly valueBytes: number;
}

/** A label and its unescaped value. */
export type Label = readonly [name: string, value: string];

/** The name of a series is a label as well, `__name__`. */
const NAME = 1;
/** `a="",`: the shortest possible label in a key. */
const SHORTEST_LABEL = 5;
/** No UTF-16 unit takes more as UTF-8. Names of labels are ASCII. */
const MAX_BYTES = 3;

/** Keys up to this length are always within the limits. The push adds `added` labels. */
export const harmlessLength = ({ labels, nameBytes, valueBytes }: LabelLimits, added: number): number =>
  Math.min(SHORTEST_LABEL * Math.max(0, labels - added - NAME), nameBytes, Math.floor(valueBytes / MAX_BYTES));

/** Describes which limit a series exceeds; undefined when it exceeds none. */
export function overLimit(
  name: string,
  labels: readonly Label[],
  limits: LabelLimits,
  added: number,
): string | undefined {
  const count = labels.length + added + NAME;
  if (count > limits.labels) return `${count} labels, the limit is ${limits.labels}`;
  if (name.length > limits.valueBytes) return `a name of ${name.length} bytes, the limit is ${limits.valueBytes}`;
  for (const [label, value] of labels) {
    if (label.length > limits.nameBytes)
      return `a label name of ${label.length} bytes, the limit is ${limits.nameBytes}`;
    if (value.length * MAX_BYTES <= limits.valueBytes) continue;
    const bytes = Buffer.byteLength(value);
    if (bytes > limits.valueBytes) return `label ${label} with ${bytes} bytes, the limit is ${limits.valueBytes}`;
  }
  return undefined;
}
