import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startAgentProcess } from '../kit/agent.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';
import { builtServerAvailable, serverAvailable, startServer } from '../kit/servers.ts';

test('diff finds no unexplained difference from the real node_exporter, and detects an injected one', {
  timeout: 180_000,
}, async (t) => {
  if (!serverAvailable(t, 'prometheus-node-exporter')) return;
  const url = await startServer(
    t,
    'prometheus-node-exporter',
    (port) => [`--web.listen-address=127.0.0.1:${port}`],
    '/metrics',
  );
  const diff = (...flags: string[]) => startAgentProcess(t, ['diff', '--against', `${url}/metrics`, '--all', ...flags]);
  const same = diff('--seconds', '3');
  assert.deepEqual(await same.ended, { code: 0, signal: null }, same.stdout() + same.stderr());
  assert.match(same.stdout(), /^compared \d{3,} series with node_exporter: no unexplained difference\n/);
  const other = diff('--seconds', '0', '--set', 'collectors.node.exclude=[uname]');
  assert.deepEqual(await other.ended, { code: 1, signal: null });
  assert.match(other.stdout(), /metrics only in node_exporter: 1\n {2}node_uname_info \(1 series\)/);
});

test('diff finds no unexplained difference from the real process-exporter', { timeout: 180_000 }, async (t) => {
  if (!serverAvailable(t, 'prometheus-process-exporter')) return;
  // A unique name, so that other processes of this machine do not matter.
  const busy = spawn('bash', ['-c', 'exec -a firesteel-busy bash -c "while :; do :; done; exit"'], { stdio: 'ignore' });
  t.after(async () => {
    busy.kill('SIGKILL');
    await once(busy, 'exit');
  });
  const names = join(scratchFolder(t), 'names.yml');
  writeFileSync(names, 'process_names:\n  - name: busy\n    cmdline: ["^firesteel-busy"]\n');
  const url = await startServer(
    t,
    'prometheus-process-exporter',
    (port) => [`-web.listen-address=127.0.0.1:${port}`, `-config.path=${names}`],
    '/metrics',
  );
  const settings = [`configFile=${names}`, ...['threads=true', 'smaps=true', 'slowInterval=0s']].flatMap((setting) => [
    '--set',
    `collectors.process.${setting}`,
  ]);
  const diff = startAgentProcess(t, ['diff', '--against', `${url}/metrics`, '--seconds', '3', '--all', ...settings]);
  assert.deepEqual(await diff.ended, { code: 0, signal: null }, diff.stdout() + diff.stderr());
});

// Debian 11 was the last one with a package of cAdvisor.
test('diff finds no unexplained difference from the real cAdvisor', { timeout: 300_000 }, async (t) => {
  if (!builtServerAvailable(t, 'cadvisor', 'Debian 11: apt-get install cadvisor')) return;
  const url = await startServer(
    t,
    'cadvisor',
    (port) => [
      '--listen_ip=127.0.0.1',
      `--port=${port}`,
      '--housekeeping_interval=5s',
      '--allow_dynamic_housekeeping=false',
    ],
    '/metrics',
  );
  for (const families of ['common', 'kubelet']) {
    const set = ['--set', `collectors.container.families=${families}`];
    const diff = startAgentProcess(t, ['diff', '--against', `${url}/metrics`, '--seconds', '3', '--all', ...set]);
    assert.deepEqual(await diff.ended, { code: 0, signal: null }, diff.stdout() + diff.stderr());
  }
});

test('diff finds no unexplained difference from the series of the real kube-state-metrics of a cluster', {
  timeout: 180_000,
}, async (t) => {
  const server = await startFakeApi(t);
  loadRecordedCluster(server.cluster);
  const kubeconfig = join(scratchFolder(t), 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig());
  const theirs = ['--against', fixture('cluster-cgroupv1/ksm.prom'), '--seconds', '0', '--format', 'json'];
  const diff = startAgentProcess(t, ['diff', ...theirs, '--set', `collectors.ksm.kubeconfig=${kubeconfig}`]);
  assert.deepEqual(await diff.ended, { code: 0, signal: null }, diff.stdout() + diff.stderr());
  const { same, compared } = JSON.parse(diff.stdout()) as { same: boolean; compared: number };
  assert.ok(same && compared > 700, diff.stdout());
});

test('diff reports problems of the other side', { timeout: 180_000 }, async (t) => {
  const cases: [flags: string[], message: RegExp][] = [
    [[], /--against URL is missing/],
    [['--against', 'http://127.0.0.1:9/metrics'], /127\.0\.0\.1:9\/metrics: .*ECONNREFUSED/],
    [['--against', '/no/such/file'], /\/no\/such\/file is neither a URL nor a file with metrics/],
    [['--against', '/proc/uptime'], /\/proc\/uptime is neither a URL nor a file with metrics: line 1/],
    [['--against', 'x', '--seconds', 'soon'], /--seconds: 0 to 600/],
    [['--against', 'x', '--format', 'xml'], /--format: text or json/],
  ];
  for (const [flags, message] of cases) {
    const diff = startAgentProcess(t, ['diff', ...flags]);
    assert.deepEqual(await diff.ended, { code: 2, signal: null });
    assert.match(diff.stderr(), message);
  }
});
