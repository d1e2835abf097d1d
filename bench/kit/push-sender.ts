// A process that renders synthetic series and pushes them. Its arguments: URL, number of series, interval in ms,
// relabeling rules in JSON, and the type of exporter.
import { createLog } from '../../src/base/log.ts';
import { relabelRules } from '../../src/config/relabel-schema.ts';
import { SeriesBudget } from '../../src/metrics/budget.ts';
import { Relabeling } from '../../src/metrics/relabel/relabeling.ts';
import { PushCycle } from '../../src/push/cycle.ts';
import { Schedule } from '../../src/push/schedule.ts';
import { PushExporters } from './push-exporter.ts';
import { SyntheticSeries } from './synthetic-series.ts';

const [url = '', count = '0', interval = '0', rules = '[]', type = 'vmagent'] = process.argv.slice(2);
const series = new SyntheticSeries(Number(count));
const exporters = new PushExporters();
const { registry, log } = exporters;
const relabel = relabelRules().parse(JSON.parse(rules));
if (relabel.length > 0) {
  const settings = { rules: relabel, metricAllowlist: [], metricDenylist: [], labels: { job: 'kubelet' } };
  registry.relabelings = { container: new Relabeling(settings) };
}
registry.addProducer({ group: 'container', name: 'synthetic', collect: (out) => series.fill(out) });
const exporter = await exporters.create('worker-1', url, type);
const intervalMs = Number(interval);
const cycle = new PushCycle({
  registry,
  exporters: () => [exporter],
  budget: new SeriesBudget(() => ({ groups: {}, families: {} })),
  intervalMs: () => intervalMs,
  now: Date.now,
  log,
});
new Schedule({
  intervalMs,
  phaseMs: 0,
  now: Date.now,
  monotonicMs: () => performance.now(),
  log: createLog('warn'),
  run: async () => void (await cycle.run(intervalMs)),
  onSkip: (reason) => console.error(`skipped a cycle: ${reason}`),
}).start();
exporter.start();
process.send?.('ready');
