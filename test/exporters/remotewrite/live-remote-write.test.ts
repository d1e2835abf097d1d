import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { startAgentProcess } from '../../kit/agent.ts';
import { until } from '../../kit/exporter.ts';
import { scratchFolder } from '../../kit/host-tree.ts';
import { RealServer, serverAvailable } from '../../kit/servers.ts';
import { startVictoriaMetrics } from '../../kit/victoria-metrics.ts';

/** A real Prometheus that accepts remote write; not started yet. */
async function prometheus(t: TestContext, folder: string): Promise<RealServer> {
  writeFileSync(join(folder, 'prometheus.yml'), 'global: {scrape_interval: 1h}\n');
  const server = await RealServer.create(
    'prometheus',
    (port) => [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
    ],
    '/-/ready',
  );
  t.after(() => server.stop());
  return server;
}

interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

/** The answer of Prometheus to an instant query. */
async function query(url: string, text: string): Promise<readonly Found[]> {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: text })}`);
  const { data } = (await response.json()) as { data?: { result: readonly Found[] } };
  return data?.result ?? [];
}

/** An agent that pushes a text file, and what it is itself, once a second. */
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

test('Prometheus gets every group, ends what is gone at once, and misses nothing of an outage', {
  timeout: 180_000,
}, async (t) => {
  if (!serverAvailable(t, 'prometheus')) return;
  const folder = scratchFolder(t);
  const server = await prometheus(t, folder);
  await server.start();
  const { url } = server;
  const { config, write } = agentFiles(
    folder,
    `  prom: {type: remotewrite, url: '${url}/api/v1/write', queue: {cycles: 2}}`,
  );
  write('stays', 'goes');
  const agent = startAgentProcess(t, ['run', '--config', config]);
  await until(async () => (await query(url, 'it_total')).length === 2, agent.stderr, 60_000);
  // The groups go side by side.
  await until(async () => (await query(url, 'up')).length === 2, agent.stderr, 60_000);
  const jobs = (await query(url, 'up')).map(({ metric }) => `${metric.job} ${metric.instance}`).sort();
  assert.deepEqual(jobs, ['firesteel n1', 'node-exporter n1']);
  // What the agent counts of a push goes with the next one.
  const buckets = 'firesteel_export_request_duration_seconds_bucket{le="+Inf"}';
  await until(async () => (await query(url, buckets)).length === 1, agent.stderr, 20_000);
  assert.deepEqual(
    (await query(url, 'it_total{pod="stays"}')).map(({ metric, value }) => [metric, value?.[1]]),
    [[{ __name__: 'it_total', instance: 'n1', job: 'node-exporter', pod: 'stays' }, '7']],
  );

  write('stays');
  await until(async () => (await query(url, 'it_total')).length === 1, agent.stderr, 20_000);
  assert.equal((await query(url, 'it_total'))[0]?.metric.pod, 'stays');

  const beganMs = Date.now();
  await server.stop();
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  await server.start();
  const sent = async () => Number((await query(url, 'firesteel_export_replayed_bodies_total'))[0]?.value?.[1] ?? 0);
  await until(async () => (await sent()) >= 5, agent.stderr, 60_000);
  const seconds = Math.ceil((Date.now() - beganMs) / 1000) + 5;
  const [series] = await query(url, `node_load1{job="node-exporter"}[${seconds}s]`);
  const times = series?.values?.map(([at]) => at) ?? [];
  const gaps = times.slice(1).map((at, index) => at - (times[index] as number));
  // A busy machine may skip a tick, which the agent counts; an outage of 12 s must leave no gap of its own.
  assert.ok(Math.max(...gaps) < 4, `gaps of ${gaps} s\n${agent.stderr()}`);
  const lost = await query(url, 'sum(firesteel_export_samples_dropped_total) or vector(0)');
  assert.equal(lost[0]?.value?.[1], '0');
});

test('VictoriaMetrics stores the same series by remote write as by text import', { timeout: 120_000 }, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const folder = scratchFolder(t);
  const folders = ['text', 'remote'].map((name) => join(folder, name));
  for (const one of folders) mkdirSync(one);
  const text = await startVictoriaMetrics(t, folders[0] as string);
  const remote = await startVictoriaMetrics(t, folders[1] as string);
  const { config, write } = agentFiles(
    folder,
    `  text: {type: vmagent, url: '${text.url}'}
  remote: {type: remotewrite, url: '${remote.url}/api/v1/write'}`,
  );
  write('a', 'b\\"\\\\\\n{}');
  const agent = startAgentProcess(t, ['run', '--config', config]);
  for (const vm of [text, remote]) await vm.until('count(it_total)', (samples) => samples[0]?.value === 2, 60_000);
  await text.until('count_over_time(node_load1[1h])', (samples) => (samples[0]?.value ?? 0) >= 5, 60_000);
  write('a');
  for (const vm of [text, remote]) await vm.until('count(it_total)', (samples) => samples[0]?.value === 1, 30_000);
  agent.child.kill('SIGTERM');
  assert.equal((await agent.ended).code, 0, agent.stderr());
  const match = '{job=~"node-exporter|firesteel"}';
  const contentOf = async (vm: typeof text) =>
    new Map(
      (await vm.export(match)).map(({ metric, values, timestamps }) => [
        JSON.stringify(Object.entries(metric).sort()),
        values.map((value, index) => `${timestamps[index]} ${value}`),
      ]),
    );
  // The last push is visible a second or two after it was acknowledged.
  let [ours, theirs] = [await contentOf(remote), await contentOf(text)];
  for (let tries = 0; tries < 60 && !isDeepStrictEqual(ours, theirs); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    [ours, theirs] = [await contentOf(remote), await contentOf(text)];
  }
  assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort());
  for (const [key, values] of theirs) assert.deepEqual(ours.get(key), values, key);
});
