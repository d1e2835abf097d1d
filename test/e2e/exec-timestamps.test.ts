// Samples of exec programs with their own timestamps, at real receivers.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLog, ThrottledLog } from '../../src/base/log.ts';
import { Host } from '../../src/host/host.ts';
import { SeriesBudget } from '../../src/metrics/budget.ts';
import { gauge } from '../../src/metrics/family.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import { Scope } from '../../src/metrics/scope.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { DeniedAddresses } from '../../src/net/denied.ts';
import { Names } from '../../src/net/names.ts';
import { PushCycle } from '../../src/push/cycle.ts';
import { Task } from '../../src/tasks/task.ts';
import { TaskRunner } from '../../src/tasks/task-runner.ts';
import { exec } from '../../src/tasks/types/exec.ts';
import { exporterTo, type TriedExporter } from '../kit/exporter.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { createPrometheus, queryPrometheus } from '../kit/prometheus.ts';
import { samplesOf } from '../kit/samples.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';
import { until } from '../kit/until.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

const PATHS = { procfs: '/proc', sysfs: '/sys', rootfs: '/', udev: '/run/udev/data', cgroup: '/sys/fs/cgroup' };
const IDENTITY = { job: 'exec', instance: 'n1', node: 'n1', script: 'it', team: 'web' };

/** `up`, the three series of the run, and the two that the program prints. */
const SERIES = 6;

/** A task that runs `cat` on a file, and cycles that push its result. */
function scene(t: TestContext, { exporter, lines }: TriedExporter) {
  const beganMs = Date.now() - 60_000;
  const clock = { ms: beganMs };
  const log = createLog('silent');
  const clocks = { now: () => clock.ms, monotonicMs: () => performance.now() };
  const runner = new TaskRunner(1, {
    ...{ clocks, log },
    ...{ gate: () => undefined, isStandby: () => false, onChange: () => undefined },
  });
  t.after(() => runner.schedule.stop());
  const printed = join(scratchFolder(t), 'printed');
  const limits = { timeoutMs: 60_000, intervalMs: 300_000 };
  const run = exec.create(
    {
      ...{ id: 'it', job: 'exec', ...limits, pushIntervalMs: 15_000, now: () => clock.ms, log, node: 'n1' },
      ...{ host: new Host(PATHS), names: new Names(), denied: new DeniedAddresses([]) },
    },
    exec.options.parse({ command: ['/bin/cat', printed] }),
  );
  const labels = { team: 'web' };
  const common = {
    id: 'it',
    type: 'exec',
    enabled: true,
    interval: 300_000,
    timeout: 60_000,
    deadline: 61_000,
    labels,
  };
  const settings = { common, type: exec, options: {}, source: 'file' as const, input: common };
  const task = new Task(settings, {
    ...{ runner, run, labels, log },
    ...{ offsetMs: 0, firstInMs: undefined, replaced: undefined },
  });
  const registry = new AgentRegistry();
  const scope = new Scope();
  scope.addProducer(task.producer);
  registry.attach([scope]);
  const cycle = new PushCycle({
    ...{ registry, exporters: () => [exporter], intervalMs: () => 15_000, now: () => clock.ms },
    ...{ budget: new SeriesBudget(() => ({ groups: {}, families: {} })), log: new ThrottledLog(log) },
  });
  t.after(() => exporter.close(2000));
  return {
    /** The time of a sample or cycle in seconds since the beginning. */
    seconds: (ms: number) => (ms - beganMs) / 1000,
    /** A run that prints `own` with the time `ownAt` (neither without), and `push` without a time. */
    async prints(ownAt: number | undefined, own: number, push?: number) {
      const text = [
        ...(ownAt === undefined ? [] : [`own_total ${own} ${beganMs + ownAt * 1000}`]),
        ...(push === undefined ? [] : [`push_total ${push}`]),
      ];
      writeFileSync(printed, `# TYPE own_total counter\n# TYPE push_total counter\n${text.join('\n')}\n`);
      assert.equal(((await task.runNow()) as { result: string }).result, 'ok');
    },
    /** A cycle at `at`, of which the receiver gets `samples`; remote write counts stale markers as samples. */
    async pushes(at: number, samples: number, markers = 0) {
      clock.ms = beganMs + at * 1000;
      const before = exporter.status().sentSamples;
      assert.equal((await cycle.run(60_000)).samples, samples);
      await until(
        () => exporter.status().sentSamples >= before + samples + markers,
        () => lines.join('\n'),
      );
      assert.equal(exporter.status().sentSamples, before + samples + markers);
    },
  };
}

/** Two results, each pushed more than once; the times of `own` are before those of earlier pushes. Then both end. */
async function twoResults({ prints, pushes }: ReturnType<typeof scene>): Promise<void> {
  await prints(-40, 10, 1);
  await pushes(0, SERIES);
  await pushes(15, SERIES - 1);
  await pushes(30, SERIES - 1);
  await prints(5, 12, 2);
  await pushes(45, SERIES);
  await pushes(50, SERIES - 1);
}

const EXPECTED = {
  own: [
    [-40, 10],
    [5, 12],
  ],
  push: [
    [0, 1],
    [15, 1],
    [30, 1],
    [45, 2],
    [50, 2],
  ],
};

for (const compression of [undefined, 'gzip'] as const) {
  test(`VictoriaMetrics gets a sample with its own timestamp once, in ${compression ?? 'zstd'}`, async (t) => {
    if (!serverAvailable(t, 'victoria-metrics')) return;
    const victoria = await startVictoriaMetrics(t, scratchFolder(t));
    const options = { groups: ['exec'], ...(compression && { compression }) };
    const tried = await exporterTo(victoria.url, options);
    const { seconds, ...task } = scene(t, tried);
    await twoResults({ seconds, ...task });
    await task.prints(undefined, 0);
    await task.pushes(55, SERIES - 2);
    const stored = async (name: string) => {
      const [{ metric = {}, values = [], timestamps = [] } = {}] = await victoria.export(name);
      assert.deepEqual({ ...metric }, { __name__: name, ...IDENTITY });
      return timestamps.map((ms, index) => [seconds(ms), values[index]]);
    };
    await victoria.visible('own_total', 0);
    await until(
      async () => (await stored('push_total')).length === EXPECTED.push.length + 1,
      () => tried.lines.join('\n'),
    );
    assert.deepEqual(await stored('push_total'), [...EXPECTED.push, [55, null]]);
    assert.deepEqual(await stored('own_total'), EXPECTED.own);
  });
}

test('Prometheus gets a sample with its own timestamp once, and rejects none', async (t) => {
  if (!serverAvailable(t, 'prometheus')) return;
  const server = await createPrometheus(scratchFolder(t));
  t.after(() => server.stop());
  await server.start();
  const tried = await exporterTo(`${server.url}/api/v1/write`, { groups: ['exec'] }, 'remotewrite');
  tried.exporter.start();
  const task = scene(t, tried);
  await twoResults(task);
  // Prometheus would reject all samples of the request.
  await task.prints(0, 13, 2);
  await task.pushes(52, SERIES - 1);
  await task.prints(undefined, 0);
  await task.pushes(55, SERIES - 2, 1);
  const stored = async (name: string) =>
    (await queryPrometheus(server.url, `${name}[5m]`))[0]?.values?.map(([at, value]) => [
      task.seconds(Math.round(at * 1000)),
      Number(value),
    ]);
  assert.deepEqual(await stored('own_total'), EXPECTED.own);
  assert.deepEqual(await stored('push_total'), [...EXPECTED.push, [52, 2]]);
  assert.deepEqual(await queryPrometheus(server.url, 'push_total'), [], 'ended by a marker');
  assert.deepEqual(tried.exporter.status().dropped, {}, tried.lines.join('\n'));
});

test('a Pushgateway gets all samples with each push, without timestamps', async (t) => {
  if (!serverAvailable(t, 'prometheus-pushgateway')) return;
  const args = (port: number) => [`--web.listen-address=127.0.0.1:${port}`];
  const url = await startServer(t, 'prometheus-pushgateway', args, '/-/ready');
  const tried = await exporterTo(url, { groups: ['exec'] }, 'pushgateway');
  const { prints, pushes } = scene(t, tried);
  const held = async () => {
    const samples = samplesOf(await (await fetch(`${url}/metrics`)).text());
    const of = (name: string) => samples.get(`${name}{instance="n1",job="exec",node="n1",script="it",team="web"}`);
    return [of('own_total'), of('push_total')];
  };
  await prints(-40, 10, 1);
  for (const at of [0, 15]) {
    await pushes(at, SERIES);
    assert.deepEqual(await held(), [10, 1]);
  }
  await prints(5, 12, 2);
  await pushes(30, SERIES);
  assert.deepEqual(await held(), [12, 2]);
  assert.deepEqual(tried.exporter.status().dropped, {}, tried.lines.join('\n'));
});

test('remote write does not count samples pushed earlier with their own timestamps when it drops a batch', async (t) => {
  const { exporter } = await exporterTo('http://127.0.0.1:9/api/v1/write', { groups: ['exec'] }, 'remotewrite');
  t.after(() => exporter.close(0));
  const [own, push] = [gauge('own', 'Own.'), gauge('push', 'Push.')];
  const run = new Snapshot();
  run.addSeries(own, 'own', 1, 1000);
  run.add(push, 1);
  run.close();
  const repeated = new Snapshot();
  run.copyTo(repeated, { isRepeated: true });
  repeated.close();
  exporter.deliverSamples?.({ group: 'exec', stampMs: 2000, snapshots: [repeated], prepared: [], births: [] });
  await exporter.close(0);
  assert.deepEqual(exporter.status().dropped, { shutdown: 1 });
});
