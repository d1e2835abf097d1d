import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { collect } from '../../src/commands/collect.ts';
import { runCommand } from '../kit/command.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { hostTree, scratchFolder } from '../kit/host-tree.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';
import { nameOf, samplesOf } from '../kit/samples.ts';

test('unreadable units are reported on standard error, and a failure causes exit code 1', async (t) => {
  const { procfs } = hostTree(t, { 'proc/loadavg': 'broken\n', 'proc/uptime': '1 1\n' });
  const { code, stdout, stderr } = await runCommand(collect, [
    '--only',
    'node.loadavg,node.filefd',
    '--path.procfs',
    procfs,
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /^node\.loadavg: .*loadavg:1: expected a number, found "broken/m);
  assert.match(stderr, /^node\.filefd: no data: {2}.*file-nr does not exist$/m);
  assert.equal(samplesOf(stdout).get('node_scrape_collector_success{collector="loadavg"}'), 0);
});

test('the cluster state is listed once, each family in one piece', { timeout: 120_000 }, async (t) => {
  const server = await startFakeApi(t);
  loadRecordedCluster(server.cluster);
  const kubeconfig = join(scratchFolder(t), 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig());
  const ksm = { kubeconfig, resources: ['pods', 'nodes', 'ingressclasses'] };
  const settings = Object.entries(ksm).flatMap(([key, value]) => [
    '--set',
    `collectors.ksm.${key}=${JSON.stringify(value)}`,
  ]);
  const { code, stdout, stderr } = await runCommand(collect, ['--only', 'ksm', ...settings]);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  const counts = Map.groupBy(samplesOf(stdout).keys(), nameOf);
  assert.equal(counts.get('kube_pod_info')?.length, server.cluster.collection('/api/v1/pods').objects.size);
  assert.equal(counts.get('kube_node_info')?.length, 1);
  const types = stdout.match(/^# TYPE \S+/gm) ?? [];
  assert.equal(new Set(types).size, types.length);
});

test('--only with an unknown name suggests the nearest names, not all of them', async () => {
  for (const [only, message] of [
    ['node.cpuu', /expected one of \d+ names; did you mean cpu\?$/],
    ['node.typooooooooooooo', /expected one of \d+ names; the closest are (?:\w+, ){4}\w+$/],
    ['hwmom', /no group "hwmom"; did you mean node\.hwmon\?/],
    ['contaner', /no group "contaner"; did you mean container\?/],
    ['typo', /no group "typo"; there are node, container, /],
  ] as const) {
    await assert.rejects(runCommand(collect, ['--only', only]), message);
  }
});
