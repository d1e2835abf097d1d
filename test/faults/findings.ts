import { KNOWN_NAME, type KnownValues } from './known-values.ts';
import { seriesKey, type Witnessed } from './witness.ts';

/** What a receiver holds of what was collected. */
export interface Findings {
  /** Samples that the witness saw, NaN left out. */
  readonly collected: number;
  /** Cycles (stamps) that the witness saw. */
  readonly cycles: number;
  /** Bodies of which nothing, or not everything, is stored. */
  readonly missing: readonly Witnessed[];
  readonly missingSamples: number;
  /** Values that are not what was collected, a line each. */
  readonly wrong: readonly string[];
  /** Samples that are stored more than once, raw; a receiver with deduplication shows one of them. */
  readonly duplicates: number;
  /** Samples and ends of series with a stamp that the witness does not know: the agent was killed between its uploads. */
  readonly unwitnessed: number;
}

/** VictoriaMetrics keeps the first 13 to 15 decimal digits; the known values are whole numbers of 15, which it keeps. */
const PRECISION = 1e-12;

/**
 * Compares what the receiver at `url` holds of the series that `match` selects, raw and without deduplication, with
 * what the witness saw of an agent whose clock was wrong by one of `skewsMs`. `read` gets the samples from the receiver.
 */
export async function findings(
  url: string,
  witnessed: readonly Witnessed[],
  known: KnownValues,
  skewsMs: readonly number[] = [0],
  match = '{__name__!=""}',
  read: (url: string, match: string) => Promise<Iterable<Exported>> = exported,
): Promise<Findings> {
  const expected = new Map<string, Map<number, number>>();
  for (const { stampMs, samples } of witnessed) {
    for (const [key, value] of samples) {
      const series = expected.get(key) ?? new Map<number, number>();
      expected.set(key, series.set(stampMs, value));
    }
  }
  const stamps = new Set(witnessed.map(({ stampMs }) => stampMs));
  const stored = new Map<string, Set<number>>();
  const wrong: string[] = [];
  let duplicates = 0;
  let unwitnessed = 0;
  for (const { metric, values, timestamps } of await read(url, match)) {
    const { __name__: name = '', ...labels } = metric;
    const key = seriesKey(name, labels);
    const seen = new Set<number>();
    stored.set(key, seen);
    for (const [index, stampMs] of timestamps.entries()) {
      const value = values[index] ?? Number.NaN;
      if (seen.has(stampMs)) duplicates++;
      seen.add(stampMs);
      // The end of a series that is not in this cycle. The known ones never end.
      if (Number.isNaN(value) && name !== KNOWN_NAME && stamps.has(stampMs) && !expected.get(key)?.has(stampMs))
        continue;
      const original = expected.get(key)?.get(stampMs);
      if (name === KNOWN_NAME) {
        const complaint = known.complaint(labels, value, stampMs, skewsMs);
        if (complaint !== undefined) wrong.push(`${key} at ${stampMs}: ${complaint}`);
      }
      if (original !== undefined) {
        if (!same(original, value)) wrong.push(`${key} at ${stampMs}: ${value}, collected was ${original}`);
      } else if (stamps.has(stampMs)) wrong.push(`${key} at ${stampMs}: ${value}, nothing was collected`);
      // The zero before the first count of a new counter has a time of its own.
      else if (value !== 0) unwitnessed++;
    }
  }
  const missing: Witnessed[] = [];
  let missingSamples = 0;
  for (const body of witnessed) {
    const lost = [...body.samples.keys()].filter((key) => !stored.get(key)?.has(body.stampMs)).length;
    if (lost > 0) missing.push(body);
    missingSamples += lost;
  }
  const collected = witnessed.reduce((sum, { samples }) => sum + samples.size, 0);
  return { collected, cycles: stamps.size, missing, missingSamples, wrong, duplicates, unwitnessed };
}

const same = (one: number, other: number): boolean =>
  one === other || Math.abs(one - other) <= Math.abs(one) * PRECISION;

/** One series with all that is stored of it. */
export interface Exported {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly number[];
  readonly timestamps: readonly number[];
}

/** Every raw sample: all of the past and the next day, as clocks may have been wrong. */
export async function exported(url: string, match: string): Promise<Iterable<Exported>> {
  await fetch(`${url}/internal/force_flush`, { signal: AbortSignal.timeout(20_000) });
  const query = new URLSearchParams({
    'match[]': match,
    reduce_mem_usage: '1',
    start: '0',
    end: String(Math.ceil(Date.now() / 1000) + 86_400),
  });
  const response = await fetch(`${url}/api/v1/export?${query}`, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`export: ${response.status} ${await response.text()}`);
  // One series may come in several lines, a block each: they are joined, for a duplicate may be in another block.
  const whole = new Map<string, { metric: Exported['metric']; values: number[]; timestamps: number[] }>();
  for (const line of (await response.text()).split('\n')) {
    if (line === '') continue;
    const { metric, values, timestamps } = JSON.parse(line) as Exported;
    const key = JSON.stringify(metric);
    const before = whole.get(key) ?? { metric, values: [], timestamps: [] };
    before.values.push(...values);
    before.timestamps.push(...timestamps);
    whole.set(key, before);
  }
  return whole.values();
}

/** Every sample of the last two hours that Prometheus holds. It shows no ends of series. */
export async function queried(url: string, match: string): Promise<Iterable<Exported>> {
  const body = new URLSearchParams({ query: `${match}[2h]`, time: String(Math.ceil(Date.now() / 1000) + 60) });
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body, signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`query: ${response.status} ${await response.text()}`);
  const { data } = (await response.json()) as {
    data: { result: { metric: Exported['metric']; values: [number, string][] }[] };
  };
  return data.result.map(({ metric, values }) => ({
    metric,
    values: values.map(([, value]) => Number(value)),
    timestamps: values.map(([seconds]) => Math.round(seconds * 1000)),
  }));
}
