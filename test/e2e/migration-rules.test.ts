import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { parse } from 'yaml';
import { startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';

/** The rule of kubernetes-mixin: the series of node_exporter carry the pod from which they were scraped. */
const MIXIN = `count by (cluster, node) (sum by (cluster, node, cpu) (
  node_cpu_seconds_total{job="node-exporter"}
  * on (namespace, pod) group_left(node)
  topk by (namespace, pod) (1, max by (cluster, node, namespace, pod) (kube_pod_info{job="kube-state-metrics",node!=""}))
))`;

test('node:node_num_cpu:sum counts the CPUs of a node, in the versions of the mixin and of docs/migrate', {
  timeout: 180_000,
}, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const vm = await startVictoriaMetrics(t, scratchFolder(t));
  // The setting of labelWithPod in the chart.
  const labels = ['namespace=monitoring', 'pod=firesteel-node-x'].flatMap((label) => [
    '--set',
    `identity.node.labels.${label}`,
  ]);
  startAgentProcess(t, [
    ...['run', '--node', 'n1', '--cluster', 'c', '--vmagent.url', vm.url, '--push.interval', '1s', ...labels],
    ...['--http.listen', '127.0.0.1:0', '--set', 'collectors.process.enabled=false'],
  ]);
  const info =
    'kube_pod_info{job="kube-state-metrics",cluster="c",namespace="monitoring",pod="firesteel-node-x",node="n1"} 1\n';
  const url = `${vm.url}/api/v1/import/prometheus`;
  const imported = await fetch(url, { method: 'POST', body: info, signal: AbortSignal.timeout(60_000) });
  assert.equal(imported.status, 204);
  const page = readFileSync(new URL('../../docs/migrate/kube-prometheus-stack.md', import.meta.url), 'utf8');
  const block = /^```yaml\n(# in place of node:node_num_cpu:sum[\s\S]*?)^```$/m.exec(page)?.[1] ?? '';
  const { groups } = parse(block) as { groups: { rules: { record: string; expr: string }[] }[] };
  const [own] = groups.flatMap(({ rules }) => rules);
  assert.equal(own?.record, 'node:node_num_cpu:sum');
  for (const expr of [MIXIN, own.expr]) {
    const [found] = await vm.until(expr, (samples) => samples.length > 0);
    assert.deepEqual(found?.metric, { cluster: 'c', node: 'n1' });
    assert.equal(found.value, availableParallelism());
  }
});
