import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { resources } from '../../src/collectors/ksm/resources/index.ts';
import { configText, type Manifest, notes, overlay, readYaml, render, story, type Values } from './chart.ts';
import { helmTest } from './helm-test.ts';
import { schemaErrors } from './values.ts';

const MINIMAL = story('minimal');
const based = (values: Values) => overlay(MINIMAL, values);

/** The configurations of both kinds of agents. */
function collectors(values: Values) {
  const objects = render(based(values));
  const of = (role: string) => parse(configText(objects, role)).collectors;
  return { ...of('node'), ksm: of('state').ksm } as Readonly<
    Record<'node' | 'container' | 'process' | 'ksm', Manifest>
  >;
}

/** Permissions of node agents, as `resource verb`. */
function nodeRights(values: Values): string[] {
  const objects = render(based(values));
  const bound = objects.filter(
    ({ kind, subjects }) => kind.endsWith('Binding') && subjects[0].name === 'firesteel-node',
  );
  const roles = bound.map(({ roleRef }) =>
    objects.find(({ kind, metadata }) => kind === roleRef.kind && metadata.name === roleRef.name),
  );
  return roles.flatMap((role) =>
    role?.rules.flatMap((rule: Manifest) => rule.resources.map((name: string) => `${name} ${rule.verbs}`)),
  );
}

helmTest('standard is the default: an upgrade without a preset changes nothing', () => {
  assert.equal(readYaml('values.yaml').preset, 'standard');
  assert.deepEqual(render(based({ preset: 'standard' })), render(MINIMAL));
  const { node, container, process } = collectors({});
  assert.deepEqual([node, process], [{ enabled: true }, { enabled: true }]);
  assert.deepEqual(Object.keys(container).sort(), ['enabled', 'identity']);
});

helmTest('earlier values, with each section enabled, have the same meaning', () => {
  const on = { enabled: true };
  assert.deepEqual(render(based({ collectors: { node: on, container: on, process: on, ksm: on } })), render(MINIMAL));
});

helmTest('minimal has no processes, and follows fewer objects than the default', () => {
  const { node, process, ksm } = collectors({ preset: 'minimal' });
  assert.equal(process.enabled, false);
  assert.ok(node.include.includes('filesystem'));
  assert.ok(ksm.resources.includes('pods'), 'node agents request the names of pods');
  const usual = new Set(resources.filter(({ enabled }) => enabled).map(({ name }) => name));
  assert.ok(ksm.resources.length < usual.size && ksm.resources.every((name: string) => usual.has(name)));
  assert.deepEqual(nodeRights({ preset: 'minimal' }), []);
});

helmTest('complete has what dashboards use, with permission to query the kubelet, and no secrets', () => {
  const { node, container, process, ksm } = collectors({ preset: 'complete' });
  assert.equal(container.kubeletMetrics, true);
  assert.equal(container.families, 'kubelet');
  assert.equal(container.sandboxImage, 'pause');
  assert.equal(process.threads, true);
  for (const name of ['interrupts', 'processes', 'tcpstat', 'systemd']) assert.equal(node[name].enabled, true, name);
  assert.deepEqual(ksm.labelsAllowlist, { '*': ['*'] });
  const all = resources.map(({ name }) => name).filter((name) => !['secrets', 'configmaps'].includes(name));
  assert.deepEqual(ksm.resources, all.toSorted());
  assert.deepEqual(nodeRights({ preset: 'complete' }), ['nodes/metrics get']);
});

/** Preset, overriding values, and where they take effect. */
const OVERRIDES: readonly (readonly [string, Values, (config: ReturnType<typeof collectors>) => unknown, unknown])[] = [
  ['minimal', { process: { enabled: true } }, ({ process }) => process.enabled, true],
  ['minimal', { node: { include: ['cpu'] } }, ({ node }) => node.include, ['cpu']],
  ['minimal', { ksm: { resources: ['pods'] } }, ({ ksm }) => ksm.resources, ['pods']],
  ['complete', { container: { kubeletMetrics: false } }, ({ container }) => container.kubeletMetrics, false],
  ['complete', { node: { tcpstat: { enabled: false } } }, ({ node }) => node.tcpstat.enabled, false],
  ['complete', { node: { tcpstat: { enabled: false } } }, ({ node }) => node.interrupts.enabled, true],
  ['complete', { ksm: { labelsAllowlist: { '*': [] } } }, ({ ksm }) => ksm.labelsAllowlist, { '*': [] }],
  ['complete', { ksm: { resources: ['pods'] } }, ({ ksm }) => ksm.resources, ['pods']],
  ['complete', { ksm: { resourcesExclude: ['roles'] } }, ({ ksm }) => ksm.resources.includes('roles'), false],
  ['complete', { ksm: { resourcesExtra: ['secrets'] } }, ({ ksm }) => ksm.resources.includes('secrets'), true],
  ['standard', { container: { kubeletMetrics: true } }, ({ container }) => container.kubeletMetrics, true],
];

for (const [preset, values, look, expected] of OVERRIDES) {
  helmTest(
    `${preset}: ${JSON.stringify(values)} takes precedence over the preset (${look.toString().replace(/.*=> /, '')})`,
    () => {
      assert.deepEqual(look(collectors({ preset, collectors: values })), expected);
    },
  );
}

helmTest('permissions follow overridden values', () => {
  assert.deepEqual(nodeRights({ preset: 'complete', collectors: { container: { kubeletMetrics: false } } }), []);
});

helmTest('a preset may result in no node agents if the rest is disabled', () => {
  const off = { enabled: false };
  const objects = render(based({ preset: 'minimal', collectors: { node: off, container: off } }));
  assert.ok(!objects.some(({ kind }) => kind === 'DaemonSet'));
});

helmTest('the notes name the preset and its requirements', () => {
  assert.match(notes(MINIMAL), /^Preset standard: /m);
  assert.match(notes(based({ preset: 'minimal' })), /^Preset minimal: .*no process metrics/m);
  assert.match(notes(based({ preset: 'complete' })), /^Preset complete: .*nodes\/metrics.*certificates/m);
});

helmTest('an unknown preset is refused by name', () => {
  assert.match(schemaErrors({ preset: 'everything' }).join(), /^\/preset: /);
});
