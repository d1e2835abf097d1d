// A process that simulates many agents. Its arguments: URL, number of agents, series of each, interval in ms, cycles to warm
// up and to measure, and `phases` or `together`.
import { channel } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { compressEach } from '../../src/metrics/compression.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { encodeByObject } from '../../src/metrics/text/encoder.ts';
import { nodePhaseMs } from '../../src/push/phase.ts';
import { PushExporters } from './push-exporter.ts';
import { SyntheticSeries } from './synthetic-series.ts';

/** The result. */
export interface FleetReport {
  readonly uploads: number;
  readonly failed: number;
  readonly retries: number;
  readonly dropped: number;
  readonly latenciesMs: readonly number[];
  /** Uploads that began in each tenth of the interval, over all cycles. */
  readonly perTenth: readonly number[];
}

const [url = '', agents = '0', count = '0', interval = '0', warmUp = '0', cycles = '0', spread = ''] =
  process.argv.slice(2);
const intervalMs = Number(interval);
const series = new SyntheticSeries(Number(count));
const exporters = new PushExporters();
const fleet = await Promise.all(
  Array.from({ length: Number(agents) }, async (_, index) => ({
    exporter: await exporters.create(`worker-${index}`, url),
    phaseMs: spread === 'phases' ? nodePhaseMs('bench', `worker-${index}`, intervalMs) : 0,
  })),
);

let measuring = false;
const latenciesMs: number[] = [];
const perTenth = new Array<number>(10).fill(0);
const begun = new WeakMap<ClientRequest, number>();
channel('http.client.request.start').subscribe((message) => {
  const { request } = message as { request: ClientRequest };
  begun.set(request, performance.now());
  const tenth = Math.floor(((Date.now() % intervalMs) / intervalMs) * 10);
  if (measuring) perTenth[tenth] = (perTenth[tenth] ?? 0) + 1;
});
channel('http.client.response.finish').subscribe((message) => {
  const { request } = message as { request: ClientRequest; response: IncomingMessage };
  if (measuring) latenciesMs.push(performance.now() - (begun.get(request) ?? Number.NaN));
});

/** The same series for all agents, which are distinguished by the URL. */
async function runCycle(tickMs: number): Promise<void> {
  const snapshot = new Snapshot();
  series.fill(snapshot);
  const { size: samples } = snapshot;
  const encodings = [...new Set(fleet.map(({ exporter }) => exporter.encoding))];
  // As if all had been collected at the same moment: encoding for each of them would measure the driver, not an agent.
  const texts = await compressEach(encodeByObject([snapshot]), encodings, tickMs);
  await Promise.all(
    fleet.map(async ({ exporter, phaseMs }) => {
      await sleep(Math.max(0, tickMs + phaseMs - Date.now()));
      const encoding = encodings.find((one) => one === exporter.encoding) ?? encodings[0];
      const text = encoding && texts.get(encoding);
      if (text) exporter.deliver({ group: 'container', stampMs: tickMs, encoding, samples, ...text });
    }),
  );
}

const counters = async () => ({
  ok: await exporters.sum('firesteel_export_requests_total', 'code="20'),
  all: await exporters.sum('firesteel_export_requests_total'),
  retries: await exporters.sum('firesteel_export_retries_total'),
  dropped: await exporters.sum('firesteel_export_samples_dropped_total'),
});

let before = await counters();
const first = Math.ceil(Date.now() / intervalMs) * intervalMs;
for (let cycle = 0; cycle < Number(warmUp) + Number(cycles); cycle++) {
  if (cycle === Number(warmUp)) {
    before = await counters();
    measuring = true;
  }
  const tickMs = first + cycle * intervalMs;
  await Promise.all([runCycle(tickMs), sleep(tickMs + intervalMs - Date.now() - 50)]);
}
await sleep(intervalMs);
const after = await counters();
const report: FleetReport = {
  uploads: after.all - before.all,
  failed: after.all - before.all - (after.ok - before.ok),
  retries: after.retries - before.retries,
  dropped: after.dropped - before.dropped,
  latenciesMs,
  perTenth,
};
process.send?.(report);
