import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { fixture } from '../kit/host-tree.ts';
import { startLocalAgent } from '../kit/local-agent.ts';
import { samplesOf } from '../kit/samples.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

const OPTIONS = { timeout: 120_000 };
const off = { enabled: false };
const report = (name: string) => fixture(`reports/${name}`);

const gateway = (t: TestContext) =>
  startServer(t, 'prometheus-pushgateway', (port) => [`--web.listen-address=127.0.0.1:${port}`], '/-/ready');

/** The series of a name at a Pushgateway, as labels and value. */
async function held(url: string, name: string): Promise<{ labels: string; value: number }[]> {
  const samples = samplesOf(await (await fetch(`${url}/metrics`)).text());
  return [...samples].flatMap(([key, value]) => (key.startsWith(`${name}{`) ? [{ labels: key, value }] : []));
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited a minute for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test(
  'textfiles with conflicting labels and families arrive completely at both receivers, and delay no other group',
  OPTIONS,
  async (t) => {
    if (!serverAvailable(t, 'victoria-metrics') || !serverAvailable(t, 'prometheus-pushgateway')) return;
    const url = await gateway(t);
    // Another node has the family with another type.
    const other = await fetch(`${url}/metrics/job/node-exporter/instance/other`, {
      method: 'PUT',
      body: '# TYPE backup_last gauge\nbackup_last 1\n',
    });
    assert.equal(other.status, 200);
    const names = ['clash', 'instance', 'cluster-and-global-label', 'duplicate', 'type-differs-between-nodes'];
    let vmUrl = '';
    const { log, ...agent } = await startLocalAgent(t, (folder) => {
      vmUrl = folder;
      return {
        node: 'n1',
        push: { interval: '1s', phase: '0s' },
        http: { listen: '127.0.0.1:0' },
      };
    });
    const vm = await startVictoriaMetrics(t, vmUrl);
    agent.configure({
      node: 'n1',
      cluster: 'prod',
      labels: { env: 'prod' },
      push: { interval: '1s', phase: '0s' },
      http: { listen: '127.0.0.1:0' },
      collectors: {
        node: {
          include: ['textfile', 'loadavg'],
          textfile: { directory: names.map((name) => report(`textfile-${name}`)) },
        },
        container: off,
        process: {},
      },
      exporters: { vm: { type: 'vmagent', url: vm.url }, pg: { type: 'pushgateway', url } },
    });
    await agent.agent.reload();
    const ours = 'job="node-exporter",instance="n1",cluster="prod",env="prod"';
    const expected: readonly (readonly [name: string, label: string, values: readonly string[]])[] = [
      ['job_last_success', 'exported_instance', ['db1', 'db2']],
      ['deploy_info', 'exported_env', ['blue', 'green']],
      ['by_cluster', 'exported_cluster', ['a', 'b']],
      ['some_test', 'v', ['13']],
      ['nodejs_version_info', 'version', ['v1']],
      ['node_load1', 'job', ['node-exporter']],
    ];
    for (const [name, label, values] of expected) {
      const samples = await vm.until(`${name}{${ours}}`, (found) => found.length >= values.length);
      assert.deepEqual(samples.map(({ metric }) => metric[label]).sort(), values, name);
      await until(`${name} at the gateway`, async () => (await held(url, name)).length >= values.length);
      const there = (await held(url, name)).map(({ labels }) => labels);
      assert.equal(there.length, values.length, there.join('\n'));
      for (const value of values)
        assert.ok(
          there.some((key) => key.includes(`${label}="${value}"`)),
          there.join('\n'),
        );
    }
    assert.equal((await vm.query(`node_textfile_scrape_error{${ours}}`))[0]?.value, 1);
    // The only family that the gateway refuses exists only for the other node, and is reported.
    assert.deepEqual(
      (await held(url, 'backup_last')).map(({ labels }) => labels.includes('instance="other"')),
      [true],
    );
    assert.equal((await vm.query(`backup_last{${ours}}`)).length, 1);
    const left = await vm.until('firesteel_export_left_out_samples', (found) => found.length > 0);
    assert.deepEqual(
      left.map(({ metric: { exporter, family, group } }) => [exporter, family, group]),
      [['pg', 'backup_last', 'node']],
    );
    // Groups are on time: none waits for a breaker.
    for (const job of ['process-exporter', 'firesteel', 'node-exporter']) {
      const pushed = async () =>
        (await held(url, 'push_time_seconds')).find(
          ({ labels }) => labels.includes(`job="${job}"`) && labels.includes('"n1"'),
        );
      const first = (await pushed())?.value ?? 0;
      await until(`the next push of ${job}`, async () => ((await pushed())?.value ?? 0) > first);
    }
    assert.ok(!log.some(({ msg }) => /push failed/.test(String(msg))), JSON.stringify(log).slice(0, 2000));
  },
);

test(
  'indistinguishable custom resources lose the second of each series, not the state of the cluster',
  OPTIONS,
  async (t) => {
    if (!serverAvailable(t, 'victoria-metrics') || !serverAvailable(t, 'prometheus-pushgateway')) return;
    const url = await gateway(t);
    const api = await startFakeApi(t);
    api.cluster.collection('/api/v1/nodes', 'Node', 'v1');
    const widgets = '/apis/acme.io/v1/widgets';
    api.cluster.collection(widgets, 'Widget', 'acme.io/v1');
    const labels = Object.fromEntries(Array.from({ length: 55 }, (_, index) => [`l${index}`, 'x']));
    api.cluster.put('/api/v1/nodes', { metadata: { name: 'n1', uid: 'n1', labels } });
    for (const [namespace, phase] of [
      ['a', 'Ready'],
      ['b', 'Failed'],
    ] as const) {
      const spec = { n: 3, cluster: 'theirs', tier: 'gold' };
      api.cluster.put(widgets, {
        metadata: { namespace, name: 'w1', uid: namespace },
        spec,
        status: { phase },
      } as object);
    }
    let folder = '';
    const agent = await startLocalAgent(t, (made) => {
      folder = made;
      return { node: 'n1', push: { interval: '1s', phase: '0s' }, http: { listen: '127.0.0.1:0' } };
    });
    const vm = await startVictoriaMetrics(t, folder);
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, api.kubeconfig());
    agent.configure({
      node: 'n1',
      cluster: 'prod',
      push: { interval: '1s', phase: '0s' },
      http: { listen: '127.0.0.1:0' },
      election: { enabled: false },
      collectors: {
        node: off,
        container: off,
        process: off,
        ksm: {
          enabled: true,
          kubeconfig,
          resources: ['nodes'],
          labelsAllowlist: { nodes: ['*'] },
          customResourceStateFile: report('cr-duplicate-labels-kill-group/cr.yaml'),
        },
      },
      exporters: { vm: { type: 'vmagent', url: vm.url }, pg: { type: 'pushgateway', url } },
    });
    await agent.agent.reload();
    const ours = 'job="kube-state-metrics",cluster="prod"';
    const phases = await vm.until(`acme_widget_phase{${ours},name="w1"}`, (found) => found.length >= 2);
    assert.deepEqual(phases.map(({ metric, value }) => [metric.phase, value]).sort(), [
      ['Failed', 0],
      ['Ready', 1],
    ]);
    const [counted] = await vm.until(`acme_widget_n{${ours}}`, (found) => found.length > 0);
    const { exported_cluster, exported_instance, exported_job, instance } = counted?.metric ?? {};
    assert.deepEqual(
      [exported_cluster, exported_instance, exported_job, instance],
      ['theirs', 'w1', 'gold', 'kube-state-metrics'],
    );
    await until('the state at the gateway', async () => (await held(url, 'kube_node_info')).length === 1);
    assert.equal((await held(url, 'acme_widget_phase')).length, 2);
    assert.equal((await held(url, 'kube_node_labels')).length, 1, 'a gateway has no limit of labels');
    const selfMetric = async (name: string, resource: string) =>
      (await vm.until(`${name}{resource="${resource}"}`, (found) => found.length > 0))[0]?.value;
    assert.equal(await selfMetric('firesteel_ksm_duplicate_series', 'widgets.acme.io'), 3);
    assert.equal(await selfMetric('firesteel_ksm_renamed_series', 'widgets.acme.io'), 2);
    assert.equal(await selfMetric('firesteel_ksm_over_limit_series', 'nodes'), 1);
    const { collectors } = (await agent.get('/v1/collectors')).body as {
      collectors: { id: string; errors: string[] }[];
    };
    const errors = collectors.find(({ id }) => id === 'ksm.kube-state-metrics')?.errors.join('\n') ?? '';
    assert.match(errors, /3 duplicate series dropped: acme_widget_phase\{.*\} of b\/w1 already belongs to a\/w1/);
    assert.match(
      errors,
      /1 series that VictoriaMetrics would drop: kube_node_labels\{.*…? has 60 labels, the limit is 40/,
    );
    // The second one gets the series when the first is deleted.
    api.cluster.remove(widgets, 'a/w1');
    await until('the series of the second', async () =>
      (await held(url, 'acme_widget_phase')).some(({ labels: key, value }) => key.includes('Failed') && value === 1),
    );
  },
);
