import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSettings } from '../../src/commands/settings.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { targets } from '../../src/config/identity.ts';
import { scratchFolder } from '../kit/host-tree.ts';

const problemsOf = (act: () => unknown): readonly string[] => {
  try {
    act();
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.problems;
    throw cause;
  }
  return [];
};

test('flags take precedence over the environment, the environment over the file, the file over defaults', (t) => {
  const file = join(scratchFolder(t), 'firesteel.yaml');
  writeFileSync(file, 'cluster: file\nnode: file\nlog: {level: debug}\npush: {deadline: 3s}\n');
  const { config } = loadSettings(
    { config: file, cluster: 'flag', set: ['collectors.node.stat.softirq=true'] },
    { FIRESTEEL_CLUSTER: 'env', NODE_NAME: 'env' },
  );
  assert.equal(config.cluster, 'flag');
  assert.equal(config.node, 'env');
  assert.equal(config.log.level, 'debug');
  assert.equal(config.push.deadline, 3000);
  assert.equal(config.push.interval, 15_000);
  const { stat } = config.collectors.node as unknown as { stat: object };
  assert.deepEqual(stat, { enabled: true, softirq: true });
});

test('one variable defines a complete exporter', () => {
  const { config } = loadSettings({}, { FIRESTEEL_VMAGENT_URL: 'http://vm:8428/' });
  const { type, url } = config.exporters.vmagent as unknown as { type: string; url: string };
  assert.deepEqual({ type, url }, { type: 'vmagent', url: 'http://vm:8428' });
});

test('a wrong value is reported with its flag or variable', () => {
  assert.deepEqual(
    problemsOf(() => loadSettings({ 'push.interval': 'soon' }, { FIRESTEEL_LOG_LEVEL: 'debgu' })),
    [
      'environment variable FIRESTEEL_LOG_LEVEL: log.level: expected one of trace, debug, info, warn, error, fatal; did you mean debug?',
      'flag --push.interval: push.interval: expected a duration with its unit, such as 15s, 1m30s or 250ms',
    ],
  );
});

test('unknown variables cause a warning, except those that Kubernetes creates for a Service', () => {
  const env = { FIRESTEEL_CLUSTRE: 'x', FIRESTEEL_SERVICE_HOST: '10.0.0.1', FIRESTEEL_PORT_9750_TCP_ADDR: '10.0.0.1' };
  assert.deepEqual(loadSettings({}, env).warnings, [
    'environment variable FIRESTEEL_CLUSTRE is not known and has no effect',
  ]);
});

test('a missing file is named', () => {
  assert.deepEqual(
    problemsOf(() => loadSettings({ config: '/nowhere/firesteel.yaml' }, {})),
    ['/nowhere/firesteel.yaml: cannot read the configuration file (ENOENT)'],
  );
});

test('several problems are reported together', () => {
  const set = ['push.interval=2h', 'exporters.vm={type: vmagent, url: "ftp://x", auth: {username: u}}', 'nodee=x'];
  assert.equal(problemsOf(() => loadSettings({ set }, {})).length, 4);
});

test('series have the names that dashboards of the replaced systems expect', () => {
  const { config } = loadSettings({ cluster: 'prod', node: 'worker-1', set: ['labels={region: eu}'] }, {});
  const common = { cluster: 'prod', region: 'eu' };
  assert.deepEqual(targets(config), {
    node: { job: 'node-exporter', instance: 'worker-1', labels: common },
    container: {
      job: 'kubelet',
      instance: 'worker-1',
      labels: { ...common, metrics_path: '/metrics/cadvisor', node: 'worker-1' },
    },
    kubelet: {
      job: 'kubelet',
      instance: 'worker-1',
      labels: { ...common, metrics_path: '/metrics', node: 'worker-1' },
    },
    process: { job: 'process-exporter', instance: 'worker-1', labels: { ...common, node: 'worker-1' } },
    ksm: { job: 'kube-state-metrics', instance: 'kube-state-metrics', labels: common },
    agent: { job: 'firesteel', instance: 'worker-1', labels: common },
    probe: { labels: { ...common, node: 'worker-1' } },
    scrape: { labels: { ...common, node: 'worker-1' } },
    exec: { job: 'exec', instance: 'worker-1', labels: { ...common, node: 'worker-1' } },
    log: { job: 'firesteel-log', instance: 'worker-1', labels: { ...common, node: 'worker-1' } },
    pushed: { labels: { ...common, node: 'worker-1' } },
    event: { job: 'kube-events', instance: 'kube-events', labels: common },
  });
});
