import { byName } from '../../base/by-name.ts';
import type { Family } from '../family.ts';

// https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details Surrogates are checked one by one:
// most are halves of a pair.
const NEEDS_ESCAPE = /[\\"\n\uD800-\uDFFF]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/**
 * Escapes a label value. Receivers reject text that is not UTF-8. An invalid byte, which host/bytes.ts stores as a lone
 * surrogate, is written as `\xe9`, so that names that differ in it stay distinct. Other lone surrogates become U+FFFD.
 */
export function escapeLabelValue(value: string): string {
  if (!NEEDS_ESCAPE.test(value)) return value;
  const wellFormed = value.isWellFormed() ? value : withBytesShown(value);
  return wellFormed.replace(/[\\"\n]/g, (character) => ESCAPES[character] ?? character);
}

const withBytesShown = (value: string): string =>
  value.replaceAll(/[\uDC80-\uDCFF]/gu, (byte) => `\\x${(byte.charCodeAt(0) - 0xdc00).toString(16)}`).toWellFormed();

/** Escapes a HELP text: unlike in label values, quotes stay. */
const escapeHelp = (help: string): string => help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

/** The label block `{a="1",b="2"}`; empty without labels. */
export function labelBlock(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return '';
  let block = '{';
  for (let index = 0; index < names.length; index++) {
    if (index > 0) block += ',';
    block += `${names[index]}="${escapeLabelValue(values[index] ?? '')}"`;
  }
  return `${block}}`;
}

/** The same of names with their values. */
export const blockOfPairs = (labels: readonly (readonly [name: string, value: string])[]): string =>
  labelBlock(
    labels.map(([name]) => name),
    labels.map(([, value]) => value),
  );

/** The same text for the same series, in whatever order its labels are. */
export const seriesId = ({
  name,
  labels,
}: {
  readonly name: string;
  readonly labels: readonly (readonly [name: string, value: string])[];
}): string => name + blockOfPairs(labels.toSorted(byName));

/** A series key in a message, cut to 200 characters. */
export const shownSeries = (key: string): string => (key.length > MAX_SHOWN ? `${key.slice(0, MAX_SHOWN)}…` : key);

const MAX_SHOWN = 200;

/**
 * Shortest text that parses to the same double. Integers are written as integers up to 1e21, small fractions as fixed
 * point down to 1e-6: an upload truncated inside `0.000015` still reads too low, one truncated inside `1.5e-05` reads
 * 1.5.
 */
export function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/** The `# HELP` and `# TYPE` lines of one family. */
export function headerText(family: Family): string {
  return `# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${family.type}\n`;
}

/** From 2109 on, a time takes more than the six bytes of a timestamp in remote write. */
const LAST_MS = 2 ** 42 - 1;

/** Whether a time can be pushed. Receivers accept none before 1970. */
export const isPushable = (stampMs: number): boolean => stampMs >= 0 && stampMs <= LAST_MS;

/**
 * A timestamp format of which no prefix is a current time, because VictoriaMetrics reads ten digits as seconds:
 * `1.7952653127695e12` for 1795265312769. The half millisecond compensates for rounding; fractions are truncated.
 * `stampMs` is an integer and {@link isPushable}.
 */
export function stampText(stampMs: number): string {
  const digits = String(stampMs);
  return `${digits.slice(0, 1)}.${digits.slice(1)}5e${digits.length - 1}`;
}
