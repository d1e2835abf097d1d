import assert from 'node:assert/strict';
import { type Manifest, overlay, render, story, type Values } from './chart.ts';
import { helmTest } from './helm-test.ts';

const MINIMAL = story('minimal');
const VM_API = 'operator.victoriametrics.com/v1beta1/VMRule';
const PROMETHEUS_API = 'monitoring.coreos.com/v1/PrometheusRule';

const kindsOf = (alerts: Values, ...apis: readonly string[]) =>
  render(overlay(MINIMAL, { alerts }), ...apis.flatMap((api) => ['--api-versions', api]))
    .map(({ kind }) => kind)
    .filter((kind) => kind.endsWith('Rule'));

helmTest('alerts are created as the kind that the cluster supports, once, or not at all', () => {
  const auto = { prometheusRule: 'auto', vmRule: 'auto' };
  assert.deepEqual(kindsOf({}, VM_API, PROMETHEUS_API), []);
  assert.deepEqual(kindsOf(auto), []);
  assert.deepEqual(kindsOf(auto, PROMETHEUS_API), ['PrometheusRule']);
  assert.deepEqual(kindsOf(auto, VM_API), ['VMRule']);
  assert.deepEqual(kindsOf(auto, VM_API, PROMETHEUS_API), ['VMRule']);
  // Without quotes YAML parses it as a boolean.
  assert.deepEqual(kindsOf({ prometheusRule: true, vmRule: false }), ['PrometheusRule']);
});

helmTest('alerts: selected sections, without excluded ones, with a custom runbook', () => {
  const objects = render(story('day-one'));
  const [rule] = objects.filter(({ kind }) => kind === 'PrometheusRule');
  assert.equal(rule?.metadata.labels?.release, 'kube-prometheus-stack');
  const groups: Manifest[] = rule?.spec.groups;
  assert.deepEqual(
    groups.map(({ name }) => name),
    ['firesteel', 'firesteel-events'],
  );
  const rules = groups.flatMap((group) => group.rules as Manifest[]);
  assert.ok(rules.length > 15 && !rules.some(({ alert }) => alert === 'FiresteelEventLoopBlocked'));
  for (const { alert, annotations } of rules) {
    assert.equal(annotations.runbook_url, `https://wiki.example.com/firesteel#${alert.toLowerCase()}`);
  }
});

helmTest('excluded alerts may be one item with commas, as in the lists of names of the agent', () => {
  const names = (exclude: readonly string[]) => {
    const objects = render({ exporters: { vm: { url: 'http://vm:8428' } }, alerts: { prometheusRule: 'on', exclude } });
    const [rule] = objects.filter(({ kind }) => kind === 'PrometheusRule');
    const groups: Manifest[] = rule?.spec.groups;
    return groups.flatMap(({ rules }) => rules as Manifest[]).map(({ alert }) => alert);
  };
  const [first, second, ...rest] = names([]);
  assert.deepEqual(names([`${first}, ${second}`]), rest);
});

helmTest('dashboards are ConfigMaps that the sidecar finds, with a folder', () => {
  const maps = render(story('day-one')).filter(({ data }) => /\.json$/.test(Object.keys(data ?? {})[0] ?? ''));
  assert.equal(maps.length, 5);
  for (const { metadata, data } of maps) {
    assert.equal(metadata.labels?.grafana_dashboard, '1');
    assert.equal(metadata.annotations?.grafana_folder, 'Nodes');
    for (const text of Object.values<string>(data)) assert.ok((JSON.parse(text) as Manifest).panels.length > 5);
  }
});
