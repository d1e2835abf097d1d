import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { hungReceiver } from '../kit/hung-receiver.ts';
import { samplesOf } from '../kit/samples.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../kit/victoria-metrics.ts';

const NEEDED = ['victoria-metrics', 'prometheus-pushgateway'];

const NODE_SERIES = '{__name__=~"node_.*"}';

/** The timestamp of the cycle in which `node_time_seconds` was `time`, once it is visible. */
async function stampOf(vm: VictoriaMetrics, time: number): Promise<number> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const [series] = await vm.export('node_time_seconds');
    const index = series?.values.findIndex((value) => Math.abs(value - time) < 1e-3) ?? -1;
    if (index >= 0) return series?.timestamps[index] as number;
    if (performance.now() > deadline) throw new Error(`no cycle with node_time_seconds ${time}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const startPushgateway = (t: TestContext) =>
  startServer(t, 'prometheus-pushgateway', (port) => [`--web.listen-address=127.0.0.1:${port}`], '/-/ready');

test('the bundle pushes this host to VictoriaMetrics and Pushgateway', { timeout: 180_000 }, async (t) => {
  if (!NEEDED.every((name) => serverAvailable(t, name))) return;
  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  const gateway = await startPushgateway(t);
  const flags = ['--push.interval', '1s', '--push.phase', '0s', '--node', 'worker-1', '--cluster', 'test'];
  const urls = ['--vmagent.url', vm.url, '--pushgateway.url', gateway];
  const agent = startAgentProcess(t, ['run', ...flags, ...urls, '--http.listen', '127.0.0.1:0']);
  await vm.until('count_over_time(node_load1[1h])', (samples) => (samples[0]?.value ?? 0) >= 4);
  const pushedSeries = (await vm.export(NODE_SERIES)).length;
  agent.child.kill('SIGTERM');
  assert.deepEqual(await agent.ended, { code: 0, signal: null });
  // The last cycle may have begun before the signal: the gateway certainly has it.
  const pushed = samplesOf(await (await fetch(`${gateway}/metrics`)).text());
  const [, time = Number.NaN] = [...pushed].find(([key]) => key.startsWith('node_time_seconds{')) ?? [];
  await vm.visible(NODE_SERIES, await stampOf(vm, time), pushedSeries);

  const identity = '{job="node-exporter",instance="worker-1",cluster="test"}';
  for (const query of ['node_load1', 'node_memory_MemAvailable_bytes', 'up']) {
    assert.equal((await vm.query(`${query}${identity}`)).length, 1, query);
  }
  const busy = await vm.query(`sum(rate(node_cpu_seconds_total${identity}[10s]))`);
  assert.ok((busy[0]?.value ?? 0) > 0.5, 'the sum of all modes of a CPU grows by a second per second');

  const series = await vm.export(NODE_SERIES);
  const sharers = Map.groupBy(
    series.flatMap(({ timestamps }) => timestamps),
    (stamp) => stamp,
  );
  const stamps = [...sharers.keys()].sort((one, other) => one - other);
  assert.ok(stamps.length >= 4, `${stamps.length} cycles`);
  for (const [stamp, { length }] of sharers) assert.ok(length > 10, `only ${length} samples have the stamp ${stamp}`);
  const ticks = stamps.slice(1, -1);
  assert.ok(
    ticks.every((stamp) => stamp % 1000 < 250),
    `ticks at whole seconds: ${ticks}`,
  );

  let compared = 0;
  for (const { metric, values, timestamps } of series) {
    if (timestamps.at(-1) !== stamps.at(-1)) continue;
    const { __name__, ...labels } = metric;
    const names = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    const [here = Number.NaN, there = Number.NaN] = [
      pushed.get(`${__name__}{${names.sort().join(',')}}`),
      values.at(-1),
    ];
    // VictoriaMetrics keeps 15 decimal digits.
    assert.ok(Math.abs(here - there) <= Math.abs(there) * 1e-14, `${__name__}{${names}} ${here}, ${there}`);
    compared++;
  }
  assert.ok(compared > 200, `${compared} series compared`);
  const failures = [...pushed].filter(([name]) => name.startsWith('push_failure_time_seconds{'));
  assert.deepEqual(new Set(failures.map(([, value]) => value)), new Set([0]));

  const own = await (await fetch(`${vm.url}/metrics`)).text();
  assert.match(own, /^vm_rows_invalid_total\{type="prometheus"\} 0$/m);
});

test('a hung and a dead receiver do not cause the loss of a cycle at the third', { timeout: 180_000 }, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  const hung = await hungReceiver(t);
  const exporters = {
    hung: { type: 'vmagent', url: hung },
    dead: { type: 'pushgateway', url: 'http://127.0.0.1:9' },
    alive: { type: 'vmagent', url: vm.url },
  };
  const flags = ['--push.interval', '1s', '--push.phase', '0s', '--http.listen', '127.0.0.1:0'];
  const agent = startAgentProcess(t, ['run', ...flags, '--set', `exporters=${JSON.stringify(exporters)}`]);
  await vm.until('count_over_time(node_load1[1h])', (samples) => (samples[0]?.value ?? 0) >= 7);
  const started = performance.now();
  agent.child.kill('SIGTERM');
  assert.equal((await agent.ended).code, 0);
  // An upload may take 75 s; the kubelet kills after 30 s.
  assert.ok(performance.now() - started < 25_000, 'the shutdown does not wait for the hung receiver');
  const [load] = await vm.export('node_load1');
  const ticks = (load?.timestamps ?? []).slice(1, -1).map((stamp) => Math.floor(stamp / 1000));
  const missing = (ticks.at(-1) ?? 0) - (ticks[0] ?? 0) + 1 - ticks.length;
  // A busy machine makes the agent skip ticks, which it counts; every cycle that ran has arrived.
  const skips = await vm.export('firesteel_cycles_skipped_total');
  const skipped = skips.reduce((sum, { values }) => sum + (values.at(-1) ?? 0), 0);
  assert.ok(missing <= skipped, `${missing} of ${ticks.length} seconds have no cycle, ${skipped} were skipped`);
  assert.match(agent.stderr(), /"exporter":"dead".*ECONNREFUSED/);
});
