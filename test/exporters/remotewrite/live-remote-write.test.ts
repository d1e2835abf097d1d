import assert from 'node:assert/strict';
import { globSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { startAgentProcess } from '../../kit/agent.ts';
import { scratchFolder } from '../../kit/host-tree.ts';
import { createPrometheus, prometheusMajor, queryPrometheus } from '../../kit/prometheus.ts';
import { isOnPath, serverAvailable } from '../../kit/servers.ts';
import { until } from '../../kit/until.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../../kit/victoria-metrics.ts';

/** An agent that pushes a text file, and its self metrics, once a second. */
function agentFiles(folder: string, exporters: string) {
  const texts = join(folder, 'texts');
  mkdirSync(texts);
  const write = (...pods: string[]) => {
    const lines = pods.map((pod) => `it_total{pod="${pod}"} 7\nlatency_seconds_bucket{pod="${pod}",le="+Inf"} 3\n`);
    writeFileSync(join(folder, 'draft'), `# TYPE it_total counter\n${lines.sort().join('')}`);
    renameSync(join(folder, 'draft'), join(texts, 'it.prom'));
  };
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    `node: n1
push: {interval: 1s}
http: {enabled: false}
spool: {path: ${join(folder, 'spool')}}
collectors:
  node: {include: [textfile, loadavg, meminfo], textfile: {directory: '${texts}'}}
  container: {enabled: false}
  process: {enabled: false}
  ksm: {enabled: false}
exporters:
${exporters}
`,
  );
  return { config, write };
}

test('Prometheus gets every group, ends vanished series immediately, and lacks nothing after an outage', {
  timeout: 180_000,
}, async (t) => {
  if (!serverAvailable(t, 'prometheus')) return;
  const folder = scratchFolder(t);
  const server = await createPrometheus(folder);
  t.after(() => server.stop());
  await server.start();
  const { url } = server;
  const { config, write } = agentFiles(
    folder,
    `  prom: {type: remotewrite, url: '${url}/api/v1/write', queue: {cycles: 2}}`,
  );
  write('stays', 'goes');
  const asked = startAgentProcess(t, ['check-config', config, '--connect']);
  const version = (await prometheusMajor(url)) >= 3 ? '2.0' : '1.0';
  assert.equal((await asked.ended).code, 0, asked.stderr());
  assert.ok(asked.stdout().includes(`by remote write ${version}`), asked.stdout());
  const agent = startAgentProcess(t, ['run', '--config', config]);
  await until(async () => (await queryPrometheus(url, 'it_total')).length === 2, agent.stderr);
  // The groups are sent concurrently.
  await until(async () => (await queryPrometheus(url, 'up')).length === 2, agent.stderr);
  const jobs = (await queryPrometheus(url, 'up')).map(({ metric }) => `${metric.job} ${metric.instance}`).sort();
  assert.deepEqual(jobs, ['firesteel n1', 'node-exporter n1']);
  // The agent's counts of a push are in the next one.
  const buckets = 'firesteel_export_request_duration_seconds_bucket{le="+Inf"}';
  await until(async () => (await queryPrometheus(url, buckets)).length === 1, agent.stderr);
  assert.deepEqual(
    (await queryPrometheus(url, 'it_total{pod="stays"}')).map(({ metric, value }) => [metric, value?.[1]]),
    [[{ __name__: 'it_total', instance: 'n1', job: 'node-exporter', pod: 'stays' }, '7']],
  );

  write('stays');
  await until(async () => (await queryPrometheus(url, 'it_total')).length === 1, agent.stderr);
  assert.equal((await queryPrometheus(url, 'it_total'))[0]?.metric.pod, 'stays');

  const beganMs = Date.now();
  await server.stop();
  const stored = () => globSync(join(folder, 'spool', 'prom', '*.body')).length;
  // Two groups, and more cycles than the allowed gap has seconds.
  await until(() => stored() >= 16, agent.stderr);
  await server.start();
  const sent = async () =>
    Number((await queryPrometheus(url, 'firesteel_export_replayed_bodies_total'))[0]?.value?.[1] ?? 0);
  await until(async () => stored() === 0 && (await sent()) >= 5, agent.stderr);
  const seconds = Math.ceil((Date.now() - beganMs) / 1000) + 5;
  const [series] = await queryPrometheus(url, `node_load1{job="node-exporter"}[${seconds}s]`);
  const times = series?.values?.map(([at]) => at) ?? [];
  const gaps = times.slice(1).map((at, index) => at - (times[index] as number));
  // A busy machine may skip a tick, which the agent counts; the outage must not cause a gap.
  assert.ok(Math.max(...gaps) < 4, `gaps of ${gaps} s\n${agent.stderr()}`);
  const lost = await queryPrometheus(url, 'sum(firesteel_export_samples_dropped_total) or vector(0)');
  assert.equal(lost[0]?.value?.[1], '0');
});

/** VictoriaMetrics stores decimals, which may differ after this many digits. */
const DIGITS = 12;
const sampleText = (stampMs: number, value: number) => `${stampMs} ${value.toPrecision(DIGITS)}`;

/** Samples of each series, as text. */
type Content = ReadonlyMap<string, readonly string[]>;
const keyOf = (metric: object): string => JSON.stringify(Object.entries(metric).sort());

async function victoriaMetricsContent(vm: VictoriaMetrics): Promise<Content> {
  const series = await vm.export('{job=~"node-exporter|firesteel"}');
  return new Map(
    series.map(({ metric, values, timestamps }) => [
      keyOf(metric),
      // The marker of a series' end is null.
      values.flatMap((value, index) => (value === null ? [] : [sampleText(timestamps[index] ?? 0, value)])),
    ]),
  );
}

/** Its export omits the markers. */
async function prometheusContent(url: string): Promise<Content> {
  const series = await queryPrometheus(url, '{job=~"node-exporter|firesteel"}[1h]');
  return new Map(
    series.map(({ metric, values = [] }) => [
      keyOf(metric),
      values.map(([seconds, value]) => sampleText(Math.round(seconds * 1000), Number(value))),
    ]),
  );
}

test('receivers store the same series by remote write, in all of their versions, as VictoriaMetrics by text import', {
  timeout: 180_000,
}, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const folder = scratchFolder(t);
  const own = (name: string) => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  };
  const text = await startVictoriaMetrics(t, own('text'));
  const victoriaMetrics = await startVictoriaMetrics(t, own('victoria'));
  const receivers = [{ name: 'victoria-metrics', version: 'auto', url: victoriaMetrics.url }];
  if (isOnPath('prometheus')) {
    for (const version of ['1.0', '2.0']) {
      const server = await createPrometheus(own(version));
      t.after(() => server.stop());
      await server.start();
      const major = await prometheusMajor(server.url);
      if (version === '1.0' || major >= 3) receivers.push({ name: `prometheus-${version}`, version, url: server.url });
      else t.diagnostic(`prometheus ${major} does not support remote write 2.0`);
    }
  } else t.diagnostic('prometheus is not on PATH');
  const { config, write } = agentFiles(
    folder,
    [
      `  text: {type: vmagent, url: '${text.url}'}`,
      ...receivers.map(
        ({ name, version, url }) => `  ${name}: {type: remotewrite, url: '${url}/api/v1/write', version: '${version}'}`,
      ),
    ].join('\n'),
  );
  write('a', 'b\\"\\\\\\n{}');
  const agent = startAgentProcess(t, ['run', '--config', config]);
  const waitFor = async (count: number) => {
    for (const { url } of [text, ...receivers]) {
      await until(async () => (await queryPrometheus(url, 'it_total')).length === count, agent.stderr);
    }
  };
  await waitFor(2);
  await text.until('count_over_time(node_load1[1h])', (samples) => (samples[0]?.value ?? 0) >= 5, 60_000);
  write('a');
  await waitFor(1);
  agent.child.kill('SIGTERM');
  assert.equal((await agent.ended).code, 0, agent.stderr());
  for (const { name, url } of receivers) {
    const contentOf = () =>
      name === 'victoria-metrics' ? victoriaMetricsContent(victoriaMetrics) : prometheusContent(url);
    // The last push is visible a second or two after it was acknowledged.
    let [ours, theirs] = [await contentOf(), await victoriaMetricsContent(text)];
    for (let tries = 0; tries < 240 && !isDeepStrictEqual(ours, theirs); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      [ours, theirs] = [await contentOf(), await victoriaMetricsContent(text)];
    }
    assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort(), name);
    for (const [key, values] of theirs) assert.deepEqual(ours.get(key), values, `${name}: ${key}`);
  }
});
