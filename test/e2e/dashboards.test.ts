import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { queryOf } from '../../scripts/dashboards/dashboard.ts';
import { DASHBOARDS } from '../../scripts/dashboards/index.ts';
import { startAgentProcess } from '../kit/agent.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { freePort } from '../kit/free-port.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { CA_FILE, tlsWebServer } from '../kit/probe-servers.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../kit/victoria-metrics.ts';

/** Panels that are empty without problems, or in this test, with the reason. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  'agent/Failing now': 'no collector fails',
  'agent/Resources that cannot be listed': 'all can',
  'agent/Samples dropped': 'none was',
  'agent/Entries acknowledged': 'no entries are shipped',
  'agent/Oldest unacknowledged entry': 'no entries are shipped',
  'agent/Entries lost or rejected': 'no entries are shipped',
  'node/Unread bytes': 'no logs are counted',
  'node/Bytes lost before they were read': 'no logs are counted',
  'node/Errors of files and rules': 'no logs are counted',
  'node/Time waiting for CPU': 'kernels without pressure stall information',
  'node/Disk utilization': 'machines without a disk',
  'node/Bytes read and written': 'machines without a disk',
  'node/Fullest file system': 'containers whose file systems are all overlays',
  'node/File systems in use': 'containers whose file systems are all overlays',
  'cluster/Deployments': 'all have their pods',
  'cluster/DaemonSets': 'all have their pods',
  'cluster/StatefulSets': 'all have their pods',
  'cluster/Node conditions with problems': 'all are',
  'pods/Disks': 'the recorded cluster counts no I/O of containers',
  'pods/Throttled by the CPU limit': 'recorded counters do not change',
  'probes/Reasons for failing probes': 'none does',
};

/** Families of the alerts that only exist in case of a problem, or with features that are off by default. */
const RARE =
  /^(?:firesteel_(?:collector_disabled|budget_dropped_series|export_unknown_bodies_dropped_total|export_samples_dropped_total|cycles_skipped_total|export_clock_skew_seconds|export_spool_usable|logs_\w+)|kube_events_total|push_(?:failure_)?time_seconds|journal_entries_lost_total|kernel_\w+|log_errors_total|log_lost_bytes_total|container_log_\w+|core_dumps_total|filesystem_readonly_transitions_total|problem_counter|systemd_unit_events_total)$/;

/** Interval of pushes on a busy machine. */
const LOAD: ReadonlySet<string> = new Set([
  'FiresteelCyclesSkipped',
  'FiresteelEventLoopBlocked',
  'FiresteelCollectorFailing',
]);

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

/** A cluster of one node with a state agent, and a plain host that probes: all push to one VictoriaMetrics. */
async function pushAll(t: TestContext): Promise<VictoriaMetrics> {
  const folder = scratchFolder(t);
  const vm = await startVictoriaMetrics(t, folder);
  const server = await startFakeApi(t);
  loadRecordedCluster(server.cluster);
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig());
  const port = await freePort();
  const run = (name: string, ...flags: string[]) =>
    startAgentProcess(t, [
      ...['run', '--node', name, '--vmagent.url', vm.url, '--push.interval', '1s', '--push.phase', '0s'],
      ...flags,
    ]);
  const set = (settings: Readonly<Record<string, unknown>>) =>
    Object.entries(settings).flatMap(([path, value]) => [
      '--set',
      `${path}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ]);
  const off = { enabled: false };
  run(
    'firesteel-state-a',
    ...['--cluster', 'recorded', '--http.listen', `127.0.0.1:${port}`],
    ...set({
      'collectors.node': off,
      'collectors.container': off,
      'collectors.process': off,
      'collectors.ksm': { enabled: true, kubeconfig },
      'election.namespace': 'default',
      'spool.path': join(folder, 'spool'),
    }),
  );
  const root = fixture('cluster-cgroupv1/node');
  run(
    'node1',
    ...['--cluster', 'recorded', '--http.listen', '127.0.0.1:0'],
    ...['--path.procfs', `${root}/proc`, '--path.sysfs', `${root}/sys`, '--path.rootfs', root],
    ...['--path.cgroup', `${root}/sys/fs/cgroup`],
    ...set({
      'collectors.node': off,
      'collectors.process': off,
      'collectors.container.identity': { source: 'state', url: `http://127.0.0.1:${port}` },
    }),
  );
  const web = await tlsWebServer(t, (_, response) => response.end('ok'));
  const tasks = [
    {
      id: 'web',
      type: 'http',
      targets: [`https://localhost:${web}/`],
      interval: '4s',
      timeout: '3s',
      http: { tls: { caFile: CA_FILE } },
    },
  ];
  run('plain-host', '--http.listen', '127.0.0.1:0', ...set({ tasks }));
  return vm;
}

test('the queries of all dashboards and alerts run on series that are really pushed', {
  timeout: 180_000,
}, async (t) => {
  if (!serverAvailable(t, 'victoria-metrics')) return;
  const vm = await pushAll(t);
  const PUSHES = 6;
  for (const series of [
    'up{job="node-exporter",instance="plain-host"}',
    'up{job="kube-state-metrics"}',
    'container_cpu_usage_seconds_total{pod!=""}',
    'up{job="firesteel",instance="firesteel-state-a"}',
  ]) {
    await vm.until(`count_over_time(${series}[5m])`, ([one]) => (one?.value ?? 0) >= PUSHES, 90_000);
  }
  await vm.until('firesteel_probe_runs_total{outcome="success"}', ([one]) => (one?.value ?? 0) >= 2, 90_000);

  for (const dashboard of DASHBOARDS) {
    await t.test(`dashboard ${dashboard.name}`, async () => {
      const empty: string[] = [];
      for (const { panels } of dashboard.rows) {
        for (const panel of panels) {
          const query = queryOf(dashboard, panel)
            .replaceAll('$__rate_interval', '1m')
            .replaceAll(/"\$\w+"/g, '".*"');
          const found = await vm.query(query);
          if (found.length === 0) empty.push(`${dashboard.name}/${panel.title}`);
          assert.ok(!found.some(({ value }) => Number.isNaN(value)), `${panel.title} is NaN`);
        }
      }
      assert.deepEqual(
        empty.filter((panel) => !Object.hasOwn(MAY_BE_EMPTY, panel)),
        [],
      );
    });
  }

  await t.test('alerts: each family is pushed, and no alert fires', async () => {
    const text = readFileSync(new URL('../../docs/alerts/rules.yaml', import.meta.url), 'utf8');
    const { groups } = parse(text) as RuleFile;
    const missing = new Set<string>();
    const firing: string[] = [];
    for (const { alert, expr } of groups.flatMap(({ rules }) => rules)) {
      for (const [name] of expr.matchAll(/\b(?:up|[a-z]+_[a-z_]+)(?=[{[)\s])/g)) {
        if (RARE.test(name) || !(/_/.test(name) || name === 'up') || NOT_A_FAMILY.test(name)) continue;
        if ((await vm.query(`count(last_over_time(${name}[5m]))`)).length === 0) missing.add(`${alert}: ${name}`);
      }
      if (!LOAD.has(alert) && (await vm.query(expr)).length > 0) firing.push(alert);
    }
    assert.deepEqual([...missing], []);
    assert.deepEqual(firing, []);
  });
});

/** Functions and labels with an underscore. */
const NOT_A_FAMILY = /^(?:label_replace|count_over_time|avg_over_time|involved_object_namespace)$/;
