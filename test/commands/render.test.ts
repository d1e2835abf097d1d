import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { UsageError } from '../../src/commands/command.ts';
import { render } from '../../src/commands/render.ts';
import { runCommand } from '../kit/command.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { samplesOf } from '../kit/samples.ts';

const PODS = fixture('cluster-cgroupv1/api/core_v1_pods.json');

const namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'a', labels: { team: 'x', tier: 'y' }, annotations: { note: 'z' } },
  status: { phase: 'Active' },
};

const renderText = (object: unknown, ...args: string[]) =>
  runCommand(render, ['-f', '-', ...args], { stdin: JSON.stringify(object) });

test('families are sorted, each once with HELP and TYPE before its samples', async () => {
  const { code, stdout, stderr } = await runCommand(render, ['-f', PODS]);
  const helps = [...stdout.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name);
  assert.deepEqual(helps, [...new Set(helps)].sort());
  assert.ok(helps.includes('kube_pod_info') && helps.includes('kube_pod_init_container_info'));
  assert.ok(!helps.includes('kube_pod_labels') && !helps.includes('kube_pod_nodeselectors'));
  let current = '';
  for (const line of stdout.trimEnd().split('\n')) {
    const type = /^# TYPE (\S+) (?:gauge|counter)$/.exec(line);
    if (type) current = type[1] ?? '';
    else if (!line.startsWith('# HELP')) assert.ok(line.startsWith(`${current}{`), line);
  }
  assert.ok(samplesOf(stdout).size > 500);
  assert.deepEqual([code, stderr], [0, '']);
});

test('all families include opt-in ones, all labels and all annotations', async () => {
  const { stdout } = await runCommand(render, ['--file', PODS, '--all-families']);
  for (const name of ['kube_pod_nodeselectors', 'kube_pod_labels', 'kube_pod_annotations']) {
    assert.match(stdout, new RegExp(`^${name}{`, 'm'));
  }
});

const flags: readonly (readonly [args: readonly string[], lines: readonly string[]])[] = [
  [
    ['--metric-allowlist', 'namespace_status'],
    [
      'kube_namespace_status_phase{namespace="a",phase="Active"} 1',
      'kube_namespace_status_phase{namespace="a",phase="Terminating"} 0',
    ],
  ],
  [['--metric-denylist', 'phase,created'], []],
  [
    ['--metric-denylist', 'phase', '--labels-allowlist', 'namespaces=[team]'],
    ['kube_namespace_labels{namespace="a",label_team="x"} 1'],
  ],
  [
    ['--metric-denylist', 'phase', '--labels-allowlist', 'namespaces=[team]', '--labels-allowlist', '*=[ti*]'],
    ['kube_namespace_labels{namespace="a",label_team="x",label_tier="y"} 1'],
  ],
  [
    ['--metric-denylist', 'phase', '--annotations-allowlist', '*=[*]'],
    ['kube_namespace_annotations{namespace="a",annotation_note="z"} 1'],
  ],
];

for (const [args, lines] of flags) {
  test(`render ${args.join(' ')} renders the samples of kube-state-metrics`, async () => {
    const { stdout } = await renderText(namespace, ...args);
    assert.deepEqual(
      stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
      lines,
    );
  });
}

test('objects of unknown kinds are counted and reported on standard error', async () => {
  const event = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'e' } };
  const old = { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h' } };
  const { code, stdout, stderr } = await renderText({ kind: 'List', items: [event, namespace, event, old, { a: 1 }] });
  assert.match(stdout, /kube_namespace_status_phase/);
  assert.equal(
    stderr,
    '2 × v1 Binding: unsupported, skipped\n1 × autoscaling/v1 HorizontalPodAutoscaler: unsupported, skipped\n1 × no kind: unsupported, skipped\n',
  );
  assert.equal(code, 0);
});

test('parts of an object that cannot be rendered are reported on standard error, and the exit code is 1', async () => {
  const { code, stdout, stderr } = await renderText([
    { ...namespace, status: { phase: 'Active', conditions: 7 } },
    { apiVersion: 'v1', kind: 'Namespace' },
  ]);
  assert.match(stdout, /kube_namespace_status_phase/);
  assert.match(
    stderr,
    /^Namespace \/a: kube_namespace_status_condition: .*\nNamespace \/: namespaces: an object without a name\n$/,
  );
  assert.equal(code, 1);
});

test('custom resources are described by a CustomResourceStateMetrics file', async (context) => {
  const file = join(scratchFolder(context), 'crs.yaml');
  writeFileSync(
    file,
    `spec:
  resources:
  - groupVersionKind: {group: myteam.io, version: v1, kind: Foo}
    metrics: [{name: size, help: Size., each: {type: Gauge, gauge: {path: [spec, size]}}}]`,
  );
  const foo = { apiVersion: 'myteam.io/v1', kind: 'Foo', metadata: { name: 'a' }, spec: { size: 3 } };
  const { stdout } = await renderText(foo, '--custom-resource-state', file);
  assert.match(stdout, /^# HELP kube_customresource_size Size\.\n# TYPE .*\nkube_customresource_size\{.*\} 3\n$/);
});

const refused: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [[], /render needs -f FILE/],
  [['-f', '/nowhere'], /ENOENT.*\/nowhere/],
  [['-f', '-', '--labels-allowlist', 'pods=[a'], /--labels-allowlist: expected <resource>/],
  [['-f', '-', '--metric-allowlist', '('], /--metric-allowlist: invalid regular expression "\("/],
  [['-f', '-', '--metric-allowlist', 'a', '--metric-denylist', 'b'], /are mutually exclusive/],
  [['-f', '-', '--custom-resource-state', PODS], /core_v1_pods\.json: .*kind/],
  [['-f', '-', '--opt-inn', 'a'], /did you mean --opt-in/],
];

for (const [args, message] of refused) {
  test(`render ${args.join(' ').slice(0, 60)} is refused`, async () => {
    await assert.rejects(
      () => runCommand(render, args),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test('a file without objects is refused or reported as empty', async () => {
  await assert.rejects(() => runCommand(render, ['-f', '-'], { stdin: '{"kind":' }), /-: neither JSON nor YAML/);
  assert.equal((await runCommand(render, ['-f', '-'], { stdin: '' })).stderr, 'no objects\n');
});

test('indistinguishable metrics of an autoscaler are reported, also in the exit code', async () => {
  const file = fixture('reports/hpa-same-name/hpa.yaml');
  const { code, stdout, stderr } = await runCommand(render, ['-f', file, '--metric-allowlist', 'target_metric']);
  assert.equal(code, 1);
  assert.match(stdout, /metric_name="unacked",metric_target_type="average",container=""\} 40\n/);
  assert.match(stderr, /HorizontalPodAutoscaler shop\/pay: .*metric_name="unacked".* has conflicting values 40 and 80/);
});

test('two objects with the same series: the second is reported, and no series is duplicated', async () => {
  const config = fixture('reports/cr-duplicate-labels-kill-group/cr.yaml');
  const widget = (namespace: string, phase: string) => ({
    apiVersion: 'acme.io/v1',
    kind: 'Widget',
    metadata: { namespace, name: 'w1' },
    spec: { n: 1 },
    status: { phase },
  });
  const objects = [widget('a', 'Ready'), widget('b', 'Failed')];
  const { code, stdout, stderr } = await renderText(objects, '--custom-resource-state', config);
  assert.equal(code, 1);
  const lines = stdout.split('\n').filter((line) => line.startsWith('acme_'));
  assert.equal(new Set(lines.map((line) => line.slice(0, line.lastIndexOf(' ')))).size, lines.length);
  assert.match(
    stderr,
    /Widget b\/w1: acme_widget_phase\{.*\} is also a series of Widget a\/w1; only the first is exposed/,
  );
});
