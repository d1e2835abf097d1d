import type { MetricType } from '../metrics/family.ts';
import { parseLine, type TextSample, type TextType } from '../metrics/parse-text.ts';
import { labelBlock } from '../metrics/text.ts';
import { Refused } from './refused.ts';

const SUFFIXES: Partial<Record<MetricType, RegExp>> = {
  histogram: /_(?:bucket|sum|count)$/,
  summary: /_(?:sum|count)$/,
};

/** The families that one body has declared so far by its TYPE lines. */
export class Declared {
  readonly #types = new Map<string, MetricType>();

  has(name: string): boolean {
    return this.#types.has(name);
  }

  declare({ name, type }: TextType): void {
    this.#types.set(name, type);
  }

  /** The family that a sample of this name belongs to: `x_sum` to histogram `x`, if there is one. */
  familyOf(name: string): { name: string; type: MetricType | undefined } {
    const own = this.#types.get(name);
    if (own !== undefined) return { name, type: own };
    const base = name.replace(/_(?:bucket|sum|count)$/, '');
    const type = this.#types.get(base);
    if (type !== undefined && SUFFIXES[type]?.test(name)) return { name: base, type };
    return { name, type: undefined };
  }
}

/** The labels of a sample, sorted by name, with `overriding` ones in the place of its own; without empty ones. */
export function mergedLabels(sample: TextSample, overriding: ReadonlyMap<string, string>): Map<string, string> {
  const merged = [...sample.labels.filter(([name]) => !overriding.has(name)), ...overriding];
  merged.sort(([one], [other]) => (one < other ? -1 : 1));
  return new Map(merged.filter(([, value]) => value !== ''));
}

/** `name{labels}`, the same for the same series. */
export const seriesKey = (name: string, labels: ReadonlyMap<string, string>): string =>
  name + labelBlock([...labels.keys()], [...labels.values()]);

/** The labels in a {@link seriesKey}. */
export function labelsOf(key: string): ReadonlyMap<string, string> {
  const sample = parseLine(`${key} 0`);
  return new Map(sample?.kind === 'sample' ? sample.labels : []);
}

/** VictoriaMetrics' -import.maxLineLen; Pushgateway has no limit, but no line that an agent sends comes near this. */
const MAX_LINE_LENGTH = 256 * 1024;
/** How much is parsed in a row, about 5 ms. */
const SLICE_LENGTH = 128 * 1024;

/**
 * The lines of a body with their numbers from 1, without newlines, in slices between which other work runs. Throws
 * {@link Refused} for a line that is too long, before it gives any.
 */
export async function* slicesOf(text: string): AsyncGenerator<readonly [number: number, line: string][]> {
  let number = 0;
  for (const [start, end] of spansOf(text)) {
    number++;
    if (end - start <= MAX_LINE_LENGTH) continue;
    throw new Refused(400, `line ${number}: longer than ${MAX_LINE_LENGTH} characters (${end - start})`);
  }
  number = 0;
  let slice: [number, string][] = [];
  let sliceStart = 0;
  for (const [start, end] of spansOf(text)) {
    slice.push([++number, text.slice(start, end)]);
    if (end - sliceStart < SLICE_LENGTH) continue;
    yield slice;
    slice = [];
    sliceStart = end;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  yield slice;
}

/** Where lines start and end. */
function* spansOf(text: string): Generator<[start: number, end: number]> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    yield [start, end];
    start = end + 1;
  }
}
