import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { encodeByFamily } from '../../src/metrics/text/encoder.ts';
import { SyntheticSeries } from './synthetic-series.ts';

/** A target to scrape. */
export interface ScrapeTarget {
  /** Host and port. */
  readonly host: string;
  close(): void;
}

/** Serves the given number of synthetic series, with the next cycle's values at each scrape. */
export async function startScrapeTarget(count: number): Promise<ScrapeTarget> {
  const series = new SyntheticSeries(count);
  const server = createServer((_, response) => {
    const snapshot = new Snapshot();
    series.fill(snapshot);
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
    for (const chunk of encodeByFamily([snapshot])) response.write(chunk);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
