import { parseText } from '../../src/metrics/text/parse.ts';

/**
 * The samples of an exposition text, by series with sorted labels. Empty labels are omitted: for every
 * receiver a series with an empty label is the same as one without it.
 */
export function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of parseText(text)) {
    if (line.kind !== 'sample') continue;
    const labels = line.labels
      .filter(([, value]) => value !== '')
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    const series = `${line.name}{${labels.sort().join(',')}}`;
    if (samples.has(series)) throw new Error(`duplicate series ${series}`);
    samples.set(series, line.value);
  }
  return samples;
}

/** The metric name of a series from {@link samplesOf}. */
export const nameOf = (series: string): string => series.slice(0, series.indexOf('{'));

/** Missing, additional and different samples, one line each; empty if both are numerically equal. */
export function difference(actual: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): string[] {
  const lines: string[] = [];
  for (const [series, value] of expected) {
    const got = actual.get(series);
    if (got === undefined) lines.push(`missing ${series} ${value}`);
    else if (!Object.is(got, value) && got !== value) lines.push(`differs ${series}: ${got}, expected ${value}`);
  }
  for (const [series, value] of actual) if (!expected.has(series)) lines.push(`extra ${series} ${value}`);
  return lines.sort();
}
