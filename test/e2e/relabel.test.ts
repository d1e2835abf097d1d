import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSettings } from '../../src/commands/settings.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { startLocalAgent } from '../kit/local-agent.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

const OPTIONS = { timeout: 120_000 };

test('rules of groups, of all series and of one receiver determine the series of two receivers', OPTIONS, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'firesteel-relabel-')));
  t.after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  const [one, two] = await Promise.all(folders.map((folder) => startVictoriaMetrics(t, folder)));
  assert.ok(one && two);
  const api = await startFakeApi(t);
  api.cluster.collection('/api/v1/configmaps', 'ConfigMap', 'v1');
  for (const name of ['a', 'b'])
    api.cluster.put('/api/v1/configmaps', { metadata: { name, namespace: 'shop', uid: name } });
  const kubeconfig = join(folders[0] ?? '', 'kubeconfig');
  writeFileSync(kubeconfig, api.kubeconfig());
  const { agent } = await startLocalAgent(t, () => ({
    node: 'n1',
    cluster: 'prod',
    push: { interval: '1s', phase: '0s' },
    http: { listen: '127.0.0.1:0' },
    election: { enabled: false },
    groups: {
      node: {
        metricDenylist: ['^node_load5$'],
        relabel: [
          {
            source_labels: ['__name__', 'instance'],
            regex: 'node_load1;(.*)',
            target_label: 'host',
            replacement: '<$1>',
          },
        ],
      },
      ksm: {
        metricAllowlist: ['configmap'],
        relabel: [{ action: 'drop', source_labels: ['configmap'], regex: 'b' }],
      },
      agent: {
        relabel: [
          { action: 'keep', source_labels: ['__name__'], regex: 'firesteel_cycle_samples|firesteel_budget_series' },
        ],
      },
    },
    relabel: [{ target_label: 'team', replacement: 'shop' }],
    collectors: {
      node: { include: ['loadavg'] },
      container: { enabled: false },
      process: { enabled: false },
      ksm: { enabled: true, resources: ['configmaps'], kubeconfig },
    },
    exporters: {
      one: { type: 'vmagent', url: one.url },
      two: {
        type: 'vmagent',
        url: two.url,
        relabel: [
          { action: 'drop', source_labels: ['__name__'], regex: 'node_load15|kube_configmap_created' },
          { source_labels: ['__name__', 'configmap'], regex: 'kube_.*;(.*)', target_label: 'of', replacement: '$1' },
        ],
      },
    },
  }));
  assert.ok(agent.url);
  await Promise.all([one, two].map((vm) => vm.until('kube_configmap_info', (found) => found.length === 1)));
  await Promise.all([one, two].map((vm) => vm.until('firesteel_cycle_samples', (found) => found.length === 1)));
  const series = async (vm: typeof one, match: string) =>
    (await vm.export(match))
      .map(({ metric }) => metric)
      .sort((a, b) => ((a.__name__ ?? '') < (b.__name__ ?? '') ? -1 : 1));
  const node = { job: 'node-exporter', instance: 'n1', cluster: 'prod', team: 'shop' };
  assert.deepEqual(await series(one, '{__name__=~"node_load.*"}'), [
    { ...node, __name__: 'node_load1', host: '<n1>' },
    { ...node, __name__: 'node_load15' },
  ]);
  assert.deepEqual(await series(two, '{__name__=~"node_load.*"}'), [{ ...node, __name__: 'node_load1', host: '<n1>' }]);
  const kube = {
    job: 'kube-state-metrics',
    instance: 'kube-state-metrics',
    cluster: 'prod',
    team: 'shop',
    namespace: 'shop',
    configmap: 'a',
  };
  const kubeOne = await series(one, '{__name__=~"kube_.*"}');
  assert.ok(
    kubeOne.every(({ configmap, team }) => configmap === 'a' && team === 'shop'),
    JSON.stringify(kubeOne),
  );
  assert.ok(
    kubeOne.some(({ __name__ }) => __name__ === 'kube_configmap_created' || __name__ === 'kube_configmap_info'),
  );
  const kubeTwo = await series(two, '{__name__=~"kube_.*"}');
  assert.deepEqual(kubeTwo[0], { ...kube, __name__: 'kube_configmap_info', of: 'a' });
  const own = new Set((await series(one, '{job="firesteel"}')).map(({ __name__ }) => __name__));
  assert.deepEqual([...own].sort(), ['firesteel_budget_series', 'firesteel_cycle_samples', 'up']);
});

test('an invalid rule is reported with its position', () => {
  const set = ['groups.node.relabel=[{action: drop, regex: "("}]', 'relabel=[{action: replace}]'];
  assert.throws(
    () => loadSettings({ set }, {}),
    (cause) => {
      assert.ok(cause instanceof ConfigError);
      assert.match(cause.problems.join('\n'), /groups\.node\.relabel.*0.*regex.*invalid regular expression "\("/);
      assert.match(cause.problems.join('\n'), /relabel.*0.*target_label.*replace needs a target_label/);
      return true;
    },
  );
});
