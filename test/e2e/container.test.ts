import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PodInfo } from '../../src/kube/pod-info.ts';
import { recordedNode } from '../collectors/container/kit.ts';
import { startAgentProcess } from '../kit/agent.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { type Sample, startVictoriaMetrics } from '../kit/victoria-metrics.ts';

const KUBEPODS = 'sys/fs/cgroup/kubepods.slice';
const BURSTABLE = `${KUBEPODS}/kubepods-burstable.slice`;
const CADVISOR = 'job="kubelet", metrics_path="/metrics/cadvisor"';

/** A state agent that knows `pods`. */
async function startStateAgent(context: TestContext, pods: readonly PodInfo[]): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ nodeName: 'node1', resourceVersion: '1', pods }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Values by the given labels. */
const by = (samples: readonly Sample[], ...labels: readonly string[]): Record<string, number> =>
  Object.fromEntries(samples.map(({ metric, value }) => [labels.map((label) => metric[label] ?? '').join('/'), value]));

test("kubernetes-mixin's expressions return the correct sums, from the recorded node to the real VictoriaMetrics", {
  timeout: 180_000,
}, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const folder = scratchFolder(t);
  const root = join(folder, 'node');
  cpSync(fixture('cluster-cgroupv2/node'), root, { recursive: true });
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  const rewrite = (path: string, edit: (text: string) => string) => writeFileSync(join(root, path), edit(read(path)));
  const add = (path: string, key: string, amount: number) =>
    rewrite(path, (text) =>
      text.replace(new RegExp(`^${key} (\\d+)$`, 'm'), (_, value) => `${key} ${Number(value) + amount}`),
    );
  const { pods } = recordedNode(2);
  const cgroupOf = (pod: string, container: string) => {
    const found = pods.find(({ name }) => name === pod);
    const id = found?.containers.find(({ name }) => name === container)?.id.replace('containerd://', '');
    const slice = `kubepods-burstable-pod${found?.uid.replaceAll('-', '_')}.slice`;
    return { slice: `${BURSTABLE}/${slice}`, scope: `${BURSTABLE}/${slice}/cri-containerd-${id}.scope` };
  };

  const database = await startVictoriaMetrics(t, folder);
  const set = [
    'collectors.node.enabled=false',
    'collectors.process.enabled=false',
    'collectors.container.identity.source=state',
    `collectors.container.identity.url=${await startStateAgent(t, pods)}`,
  ];
  startAgentProcess(t, [
    ...['run', '--node', 'node1', '--push.interval', '1s', '--http.listen', '127.0.0.1:0'],
    ...['--path.procfs', `${root}/proc`, '--path.sysfs', `${root}/sys`, '--path.rootfs', root],
    ...['--path.cgroup', `${root}/sys/fs/cgroup`, '--vmagent.url', database.url],
    ...set.flatMap((assignment) => ['--set', assignment]),
  ]);
  // Six containers and seven sandboxes, the latter after two cycles, because their process is not called pause.
  const rows = `count(container_cpu_usage_seconds_total{${CADVISOR}, image!=""})`;
  await database.until(rows, ([sample]) => sample?.value === 13);

  const [one, other] = ['web-67b7ddc566-2gp4p', 'web-67b7ddc566-x8tt9'] as const;
  const burns = { one: cgroupOf(one, 'burn'), other: cgroupOf(other, 'burn') };
  const use = (cgroups: readonly string[], seconds: number) => {
    for (const cgroup of cgroups) add(`${cgroup}/cpu.stat`, 'usage_usec', seconds * 1e6);
  };
  // The usage of a container is included in all cgroups above it: sums must not count it twice.
  use([burns.one.scope, burns.one.slice, BURSTABLE, KUBEPODS, 'sys/fs/cgroup'], 3);
  use([burns.other.scope, burns.other.slice, BURSTABLE, KUBEPODS, 'sys/fs/cgroup'], 1);
  add(`${burns.one.scope}/cpu.stat`, 'nr_periods', 100);
  add(`${burns.one.scope}/cpu.stat`, 'nr_throttled', 40);
  const sandbox = /^(\d+)$/m.exec(
    read(
      `${burns.one.slice}/cri-containerd-a25dd60222681d5b273608a3772d7974e1a24ebb60da795f683c0a4850b89667.scope/cgroup.procs`,
    ),
  )?.[1];
  rewrite(`proc/${sandbox}/net/dev`, (text) =>
    text.replace(/(eth0:\s+)(\d+)/, (_, name, bytes) => `${name}${Number(bytes) + 5000}`),
  );

  // MetricsQL's increase assumes that a new series began at 0.
  const used = `sum(increase_prometheus(container_cpu_usage_seconds_total{${CADVISOR}, image!=""}[1m])) by (namespace)`;
  const near = (value: number | undefined, wanted: number) => Math.abs((value ?? Number.NaN) - wanted) < 1e-6;
  const byNamespace = await database.until(used, (samples) => near(by(samples, 'namespace').shop, 4));
  assert.deepEqual(Object.keys(by(byNamespace, 'namespace')).sort(), ['default', 'kube-system', 'shop']);

  await t.test('CPU by pod and container', async () => {
    const query = `sum(increase_prometheus(container_cpu_usage_seconds_total{${CADVISOR}, image!="", container!=""}[1m])) by (namespace, pod, container) > 0`;
    const samples = by(await database.query(query), 'pod', 'container');
    assert.deepEqual(Object.keys(samples).sort(), [`${one}/burn`, `${other}/burn`]);
    assert.ok(near(samples[`${one}/burn`], 3) && near(samples[`${other}/burn`], 1), JSON.stringify(samples));
    const rates = await database.query(
      `sum by (cluster, namespace, pod, container) (rate(container_cpu_usage_seconds_total{${CADVISOR}, image!=""}[1m])) > 0`,
    );
    const rate = by(rates, 'pod', 'container');
    // A series may have begun one push before the other, so that its rate covers one more second.
    const ratio = (rate[`${one}/burn`] ?? 0) / (rate[`${other}/burn`] ?? 0);
    assert.ok(ratio > 2.4 && ratio < 3.6, JSON.stringify(rate));
  });

  await t.test('working set by namespace', async () => {
    const wanted: Record<string, number> = {};
    for (const { namespace, uid, qosClass, containers } of pods) {
      for (const { id } of containers) {
        const level = qosClass === 'Guaranteed' ? '' : `kubepods-${qosClass.toLowerCase()}`;
        const slice = `${level || 'kubepods'}-pod${uid.replaceAll('-', '_')}.slice`;
        const cgroup = `${KUBEPODS}/${level && `${level}.slice/`}${slice}/cri-containerd-${id.slice(13)}.scope`;
        const current = tryRead(() => Number(read(`${cgroup}/memory.current`)));
        if (current === undefined) continue;
        const inactive = Number(/^inactive_file (\d+)$/m.exec(read(`${cgroup}/memory.stat`))?.[1]);
        wanted[namespace] = (wanted[namespace] ?? 0) + current - inactive;
      }
    }
    const query = `sum(container_memory_working_set_bytes{${CADVISOR}, container!="", image!=""}) by (namespace)`;
    assert.deepEqual(by(await database.query(query), 'namespace'), wanted);
    assert.deepEqual(Object.keys(wanted).sort(), ['kube-system', 'shop']);
  });

  await t.test('throttling, as in the alert CPUThrottlingHigh', async () => {
    const increase = (family: string) =>
      `sum(increase_prometheus(${family}{container!="", ${CADVISOR}}[1m])) without (id, metrics_path, name, image, endpoint, job, node)`;
    const query = `${increase('container_cpu_cfs_throttled_periods_total')} / ${increase('container_cpu_cfs_periods_total')} > (25 / 100)`;
    const samples = await database.query(query);
    assert.deepEqual(by(samples, 'namespace', 'pod', 'container'), { [`shop/${one}/burn`]: 0.4 });
  });

  await t.test('network by pod', async () => {
    const family = `container_network_receive_bytes_total{${CADVISOR}, namespace!=""}`;
    const received = by(await database.query(`sum(increase_prometheus(${family}[1m])) by (namespace, pod) > 0`), 'pod');
    assert.deepEqual(received, { [one]: 5000 });
    const counts = await database.query(`count(${family}) by (pod, interface)`);
    assert.equal(
      counts.every(({ value }) => value === 1),
      true,
    );
    assert.equal(Object.keys(by(counts, 'pod')).length, 7);
  });
});

function tryRead<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}
