import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parseText } from '../../src/metrics/text/parse.ts';

/** The collected samples of one group in one cycle. */
export interface Witnessed {
  readonly job: string;
  readonly stampMs: number;
  /** Time of arrival, milliseconds since 1970. */
  readonly atMs: number;
  /** Value by series, see {@link seriesKey}; without NaN, which VictoriaMetrics drops. */
  readonly samples: ReadonlyMap<string, number>;
  /** Zeros that precede the first count of new counters, with their own times. */
  readonly zeros: number;
}

/** A key for name and labels, whatever their order; empty labels are omitted, as in receivers. */
export function seriesKey(name: string, labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels)
    .filter(([, value]) => value !== '')
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return `${name}{${parts.sort().join(',')}}`;
}

/** A second receiver that never fails: it records everything that the agent collected, whatever happens elsewhere. */
export class Witness {
  readonly bodies: Witnessed[] = [];
  readonly #server = createServer((request, response) => {
    this.#take(request).then(
      () => response.writeHead(204).end(),
      (cause: unknown) => response.writeHead(500).end(String(cause)),
    );
  });

  /** Starts one on a free port. */
  static async start(): Promise<Witness> {
    const witness = new Witness();
    witness.#server.listen(0, '127.0.0.1');
    await once(witness.#server, 'listening');
    return witness;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The newest timestamp; 0 before the first. */
  get lastStampMs(): number {
    return this.bodies.reduce((last, { stampMs }) => Math.max(last, stampMs), 0);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #take(request: IncomingMessage): Promise<void> {
    const packed = await buffer(request);
    const url = new URL(request.url ?? '', 'http://witness');
    // Ends of series.
    if (url.pathname === '/api/v1/write') return;
    const text = (request.headers['content-encoding'] === 'zstd' ? zstdDecompressSync : gunzipSync)(packed).toString();
    const target = targetOf(url);
    const samples = new Map<string, number>();
    let zeros = 0;
    const stampMs = Number(url.searchParams.get('timestamp'));
    for (const line of parseText(text)) {
      if (line.kind !== 'sample' || Number.isNaN(line.value)) continue;
      if (line.timestampMs !== undefined && line.timestampMs !== stampMs && line.value === 0) {
        zeros++;
        continue;
      }
      samples.set(seriesKey(line.name, { ...Object.fromEntries(line.labels), ...target }), line.value);
    }
    this.bodies.push({ job: target.job, stampMs, atMs: Date.now(), samples, zeros });
  }
}

/** The labels that an import URL sets on all series. */
function targetOf(url: URL): { readonly job: string } & Record<string, string> {
  const tail = url.pathname.split('/metrics/').at(-1)?.split('/') ?? [];
  const labels: { job: string } & Record<string, string> = { job: '' };
  for (let part = 0; part + 1 < tail.length; part += 2)
    labels[tail[part] ?? ''] = decodeURIComponent(tail[part + 1] ?? '');
  for (const label of url.searchParams.getAll('extra_label')) {
    const equals = label.indexOf('=');
    labels[label.slice(0, equals)] = label.slice(equals + 1);
  }
  return labels;
}
