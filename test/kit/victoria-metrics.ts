import type { TestContext } from 'node:test';
import { startServer } from './servers.ts';

/** On a busy machine, samples become visible to queries after ten seconds and more. */
const PATIENCE_MS = 60_000;

/** One series of the response to an instant query. */
export interface Sample {
  readonly metric: Readonly<Partial<Record<string, string>>>;
  readonly value: number;
}

/** One series with all its samples. */
export interface Series {
  readonly metric: Readonly<Partial<Record<string, string>>>;
  readonly values: readonly number[];
  /** Milliseconds since 1970. */
  readonly timestamps: readonly number[];
}

/** A real VictoriaMetrics. */
export interface VictoriaMetrics {
  readonly url: string;
  /** An instant query in MetricsQL. */
  query(query: string): Promise<Sample[]>;
  /** Repeats `query` until `enough`; rejects after `milliseconds` with the last response. */
  until(query: string, enough: (samples: Sample[]) => boolean, milliseconds?: number): Promise<Sample[]>;
  /**
   * Waits until `least` series of `match` have a sample not older than `sinceMs`: the samples of one push become visible a
   * second or two later, and not all simultaneously.
   */
  visible(match: string, sinceMs: number, least?: number): Promise<void>;
  /** Raw samples of the series that `match` selects. */
  export(match: string): Promise<Series[]>;
}

/** Starts victoria-metrics with its data below `folder`; it ends with the test. */
export async function startVictoriaMetrics(context: TestContext, folder: string): Promise<VictoriaMetrics> {
  const args = (port: number) => [
    `-httpListenAddr=127.0.0.1:${port}`,
    `-storageDataPath=${folder}/victoria-metrics`,
    '-search.latencyOffset=0s',
    '-search.disableCache',
  ];
  return victoriaMetricsAt(await startServer(context, 'victoria-metrics', args, '/health'));
}

/** Queries of a VictoriaMetrics at `url`. */
export function victoriaMetricsAt(url: string): VictoriaMetrics {
  const get = async (path: string, parameters: Record<string, string>) => {
    const signal = AbortSignal.timeout(60_000);
    const response = await fetch(`${url}${path}?${new URLSearchParams(parameters)}`, { signal });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.text();
  };
  const query = async (text: string): Promise<Sample[]> => {
    const { data } = JSON.parse(await get('/api/v1/query', { query: text })) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  };
  const exported = async (match: string): Promise<Series[]> => {
    const lines = (await get('/api/v1/export', { 'match[]': match })).trim().split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Series);
  };
  return {
    url,
    query,
    async visible(match, sinceMs, least = 1) {
      const deadline = performance.now() + PATIENCE_MS;
      for (;;) {
        const since = (await exported(match)).filter(({ timestamps }) => (timestamps.at(-1) ?? 0) >= sinceMs).length;
        if (since >= least) return;
        if (performance.now() > deadline) throw new Error(`${match} has ${since} series with samples since ${sinceMs}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    export: exported,
    async until(text, enough, milliseconds = PATIENCE_MS) {
      const deadline = performance.now() + milliseconds;
      for (;;) {
        const samples = await query(text);
        if (enough(samples)) return samples;
        if (performance.now() > deadline)
          throw new Error(`${text} still gives ${JSON.stringify(samples).slice(0, 500)}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
  };
}
