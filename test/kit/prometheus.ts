import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RealServer } from './servers.ts';

/** A real Prometheus that accepts remote write, with its data in `folder`; not started yet. */
export function createPrometheus(folder: string): Promise<RealServer> {
  const configFile = join(folder, 'prometheus.yml');
  writeFileSync(configFile, 'global: {scrape_interval: 1h}\n');
  return RealServer.create(
    'prometheus',
    (port) => [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(folder, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
    ],
    '/-/ready',
  );
}

/** One series of a response to an instant or range query. */
export interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [seconds: number, value: string];
  readonly values?: readonly (readonly [seconds: number, value: string])[];
}

/** The response to a query; empty while it is not ready. */
export async function queryPrometheus(url: string, text: string): Promise<readonly Found[]> {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: text })}`);
  const { data } = (await response.json()) as { data?: { result: readonly Found[] } };
  return data?.result ?? [];
}

/** Its major version: 3 and newer support remote write 2.0. */
export async function prometheusMajor(url: string): Promise<number> {
  const response = await fetch(`${url}/api/v1/status/buildinfo`);
  const { data } = (await response.json()) as { data: { version: string } };
  return Number.parseInt(data.version, 10);
}
