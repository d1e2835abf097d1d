import { KNOWN_NAME, type KnownValues } from './known-values.ts';
import { seriesKey, type Witnessed } from './witness.ts';

/** The stored data of a receiver compared with the collected data. */
export interface Findings {
  /** Samples that the witness received, without NaN. */
  readonly collected: number;
  /** Cycles (timestamps) that the witness received. */
  readonly cycles: number;
  /** Batches that are not stored, or not completely. */
  readonly missing: readonly Witnessed[];
  readonly missingSamples: number;
  /** Values that differ from the collected ones, one line each. */
  readonly wrong: readonly string[];
  /** Samples that are stored more than once in raw data; a receiver with deduplication shows one of them. */
  readonly duplicates: number;
  /** Samples and ends of series with a timestamp unknown to the witness: the agent was killed between its uploads. */
  readonly unwitnessed: number;
}

/** VictoriaMetrics stores the first 13 to 15 decimal digits; the known values are integers of 15, which it stores exactly. */
const PRECISION = 1e-12;

/**
 * Compares the data of the receiver at `url` for the series that `match` selects, raw and without deduplication, with the
 * data of the witness, for an agent whose clock was wrong by one of `skewsMs`. `read` gets the samples from the receiver.
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
      // The end of a series that is not in this cycle. Known series never end.
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
      // The zero before the first count of a new counter has a different time.
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

/** One series with all its stored samples. */
export interface Exported {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly number[];
  readonly timestamps: readonly number[];
}

/** Every raw sample of the past and of the next day, because clocks may have been wrong. */
export async function exported(url: string, match: string): Promise<Iterable<Exported>> {
  await fetch(`${url}/internal/force_flush`, { signal: AbortSignal.timeout(60_000) });
  const query = new URLSearchParams({
    'match[]': match,
    reduce_mem_usage: '1',
    start: '0',
    end: String(Math.ceil(Date.now() / 1000) + 86_400),
  });
  const response = await fetch(`${url}/api/v1/export?${query}`, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`export: ${response.status} ${await response.text()}`);
  // A series may have several lines, one per block: they are joined, because a duplicate may be in another block.
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

/** Every sample of the last two hours in Prometheus, which does not expose ends of series. */
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
