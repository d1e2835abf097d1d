// Looks up and reads values in custom resources the way kube-state-metrics does:
// https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/extend/customresourcestate-metrics.md
import { isMapping } from '../../../base/records.ts';
import { exactQuantity } from '../../../kube/quantity.ts';
import { unixSeconds } from '../common.ts';

/** Finds a value in an object; undefined when any step is missing. */
type Path = (from: unknown) => unknown;

const own = (map: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(map, key) ? map[key] : undefined;

/** Compiles a path of keys, list indices (negative ones from the end) and `[key=value]`. Throws an Error. */
export function compilePath(segments: readonly string[]): Path {
  const steps = segments.map(compileStep);
  return (from) => steps.reduce((value: unknown, step) => (value === null ? undefined : step(value)), from);
}

function compileStep(segment: string): Path {
  const lookup = /^\[(.*)\]$/s.exec(segment);
  const [key = '', ...rest] = (lookup?.[1] ?? segment).split('=');
  const wanted = rest.join('=');
  if (lookup) {
    if (rest.length === 0) throw new Error(`${JSON.stringify(segment)} looks up nothing: expected [key=value]`);
    const matches = matcher(wanted);
    return (from) =>
      Array.isArray(from)
        ? from.find((item) => isMapping(item) && Object.hasOwn(item, key) && matches(item[key]))
        : undefined;
  }
  return (from) => {
    if (Array.isArray(from)) return /^-?\d+$/.test(segment) ? from.at(Number(segment)) : undefined;
    if (!isMapping(from)) return undefined;
    // "name=foo" is a key that matches only while it has this value.
    if (rest.length === 1 && own(from, key) === wanted) return wanted;
    return own(from, segment);
  };
}

/** Compares as text, and as number or boolean when `wanted` can be one. */
function matcher(wanted: string): (candidate: unknown) => boolean {
  const number = numberOf(wanted);
  const boolean = { true: true, false: false }[wanted];
  return (candidate) =>
    candidate === wanted ||
    (number !== undefined && numberOf(candidate) === number) ||
    (boolean !== undefined && candidate === boolean);
}

const WORDS: Readonly<Record<string, number>> = { true: 1, yes: 1, false: 0, no: 0, unknown: 0 };

/** Numbers, booleans, condition statuses, times, quantities and percentages as numbers; undefined for the rest. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return undefined;
  const word = value.toLowerCase();
  if (Object.hasOwn(WORDS, word)) return WORDS[word];
  const percent = /^(\d{1,15})%$/.exec(value);
  return percent ? Number(percent[1]) / 100 : (unixSeconds(value) ?? exactQuantity(value));
}

/** A value as a label, formatted like Go's %v. */
export function labelText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(labelText).join(' ')}]`;
  if (!isMapping(value)) return String(value);
  const entries = Object.keys(value).sort();
  return `map[${entries.map((key) => `${key}:${labelText(value[key])}`).join(' ')}]`;
}
