import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkConfig } from '../../src/commands/check-config.ts';
import { UsageError } from '../../src/commands/command.ts';
import { render } from '../../src/commands/render.ts';
import { runCommand } from '../kit/command.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';

const custom = (objects: string, config: string) =>
  runCommand(render, ['-f', fixture(objects), '--custom-resource-state', fixture(config)]);
const seriesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const timesTyped = (text: string, family: string) => text.split(`# TYPE ${family} `).length - 1;

/** File of custom resources → patterns of the series of its objects, with their number. */
const FILES: Readonly<Record<string, readonly (readonly [part: RegExp, count: number])[]>> = {
  flux: [
    [/^gotk_resource_info\{.*\} 1$/, 3],
    [
      /kind="Kustomization".*namespace="flux-system",name="apps",ready="True",revision="main@sha1:0a1b",suspended="true"/,
      1,
    ],
    [/kind="HelmRelease".*exported_namespace="shop",name="apps",ready="False"\}/, 1],
    [/kind="GitRepository".*url="https:\/\/git\.example\.org\/apps"/, 1],
  ],
  'cluster-api': [
    [/^capi_cluster_created\{.*uid="u1"\} 1767225600$/, 1],
    [/^capi_cluster_status_phase\{.*phase="Provisioned",uid="u1"\} 1$/, 1],
    [/^capi_cluster_status_phase\{.*\} 0$/, 2],
    [/^capi_cluster_status_condition\{.*type="ControlPlaneReady",uid="u1"\} 0$/, 1],
    [/^capi_machine_owner\{.*owner_kind="MachineSet",owner_name="east"\} 1$/, 1],
    [/^capi_machine_addresses\{/, 2],
  ],
  karpenter: [
    [/^karpenter_nodepool_usage\{.*version="v1",name="spot",resource_type="cpu"\} 1\.5$/, 1],
    [/^karpenter_nodepool_usage\{.*resource_type="memory"\} 4294967296$/, 1],
    [/^karpenter_nodepool_limit\{/, 2],
    [/^karpenter_nodeclaim_info\{.*version="v1beta1",karpenter_sh_nodepool="spot",name="spot-x",node="node-7"\} 1$/, 1],
  ],
};

for (const [name, expected] of Object.entries(FILES)) {
  test(`a file in the style of ${name} renders, and check-config accepts it`, async (t) => {
    const config = `custom-resources/${name}.yaml`;
    const { code, stdout, stderr } = await custom(`custom-resources/${name}-objects.yaml`, config);
    assert.deepEqual([code, stderr], [0, '']);
    const series = seriesOf(stdout);
    for (const [part, count] of expected) {
      assert.equal(series.filter((line) => part.test(line)).length, count, `${part} in\n${stdout}`);
    }
    for (const family of new Set(series.map((line) => line.slice(0, line.indexOf('{'))))) {
      assert.equal(timesTyped(stdout, family), 1, family);
    }
    const agent = join(scratchFolder(t), 'agent.yaml');
    writeFileSync(
      agent,
      JSON.stringify({ collectors: { ksm: { enabled: true, customResourceStateFile: fixture(config) } } }),
    );
    assert.equal((await runCommand(checkConfig, [agent])).code, 0);
  });
}

test('a family of two kinds, groups or versions has one TYPE', async () => {
  const folder = 'reports/cr-shared-family-name';
  const flux = await custom(`${folder}/objects.yaml`, `${folder}/flux.yaml`);
  assert.deepEqual([flux.code, flux.stderr, seriesOf(flux.stdout).length], [0, '', 2]);
  assert.equal(timesTyped(flux.stdout, 'gotk_resource_info'), 1);
  const siblings = { sib: ['a.example.io/v1', 'b.example.io/v1'], sib2: ['a.example.io/v1', 'a.example.io/v2'] };
  for (const [name, versions] of Object.entries(siblings)) {
    const objects = versions.map((apiVersion) => ({ apiVersion, kind: 'Alpha', metadata: { name: 'same' } }));
    const config = fixture(`${folder}/${name}.yaml`);
    const { code, stdout } = await runCommand(render, ['-f', '-', '--custom-resource-state', config], {
      stdin: JSON.stringify(objects),
    });
    assert.deepEqual([code, seriesOf(stdout).length, timesTyped(stdout, 'gotk_resource_info')], [0, 2, 1], stdout);
  }
});

const widget = (more: string) => `spec:
  resources:
    - groupVersionKind: { group: apps, version: "*", kind: Deployment }
      metricNamePrefix: mine
      metrics: [{ name: deployment_paused, each: { type: Gauge, gauge: { path: [spec, paused], nilIsZero: true } } }]
${more}`;

test('a custom family about a built-in kind is shown with the built-in ones, in any version', async (t) => {
  const file = join(scratchFolder(t), 'custom.yaml');
  writeFileSync(file, widget(''));
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'n' }, spec: {} };
  const { code, stdout } = await runCommand(render, ['-f', '-', '--custom-resource-state', file], {
    stdin: JSON.stringify(object),
  });
  assert.equal(code, 0);
  assert.match(stdout, /^mine_deployment_paused\{.*customresource_version="v1"\} 0$/m);
  assert.match(stdout, /^kube_deployment_spec_paused\{/m);
});

/** Custom resources, objects as pairs of apiVersion and kind, and what is said about those that are not used. */
const UNUSED: readonly (readonly [
  title: string,
  entries: readonly (readonly [group: string, version: string, kind: string])[],
  objects: readonly (readonly [apiVersion: string | undefined, kind: string])[],
  stderr: string,
])[] = [
  [
    'another version than the objects',
    [['apps', 'v1beta1', 'Deployment']],
    [
      ['apps/v1', 'Deployment'],
      ['apps/v1', 'Deployment'],
    ],
    'custom resource apps/v1beta1 Deployment: not used: there are objects of apps/v1\n',
  ],
  [
    'a built-in kind, for objects without a version',
    [['apps', 'v1', 'Deployment']],
    [[undefined, 'Deployment']],
    'custom resource apps/v1 Deployment: not used: objects without apiVersion are taken as those of the first resource of their kind\n',
  ],
  [
    'the second version of a kind, for objects without a version',
    [
      ['a.io', 'v1', 'Bus'],
      ['a.io', 'v2', 'Bus'],
    ],
    [
      [undefined, 'Bus'],
      ['b.io/v1', 'Bus'],
    ],
    '1 × b.io/v1 Bus: unsupported, skipped\n' +
      'custom resource a.io/v2 Bus: not used: objects without apiVersion are taken as those of the first resource of their kind; there are objects of b.io/v1\n',
  ],
  [
    'any version of another group',
    [['b.io', '*', 'Deployment']],
    [['apps/v1', 'Deployment']],
    'custom resource b.io/* Deployment: not used: there are objects of apps/v1\n',
  ],
  [
    'a kind of which some objects have another group, or of which there are none',
    [
      ['a.io', 'v1', 'Deployment'],
      ['a.io', 'v1', 'Car'],
    ],
    [
      ['apps/v1', 'Deployment'],
      ['a.io/v1', 'Deployment'],
    ],
    '',
  ],
];

for (const [title, entries, objects, expected] of UNUSED) {
  test(`a custom resource of ${title}: ${expected === '' ? 'nothing is' : 'one line is'} said about what is left out`, async (t) => {
    const file = join(scratchFolder(t), 'custom.yaml');
    const each = { type: 'Gauge', gauge: { path: ['spec', 'paused'], nilIsZero: true } };
    const spec = {
      resources: entries.map(([group, version, kind], index) => ({
        groupVersionKind: { group, version, kind },
        metrics: [{ name: `paused_${index}`, each }],
      })),
    };
    writeFileSync(file, JSON.stringify({ spec }));
    const stdin = JSON.stringify(
      objects.map(([apiVersion, kind], index) => ({ apiVersion, kind, metadata: { name: `o${index}` } })),
    );
    const { code, stderr } = await runCommand(render, ['-f', '-', '--custom-resource-state', file], { stdin });
    assert.deepEqual([code, stderr], [0, expected]);
  });
}

test('render and check-config report problems in a file of custom resources', async (t) => {
  const folder = scratchFolder(t);
  const [file, agent] = [join(folder, 'custom.yaml'), join(folder, 'agent.yaml')];
  writeFileSync(agent, JSON.stringify({ collectors: { ksm: { enabled: true, customResourceStateFile: file } } }));
  const broken: readonly (readonly [text: string, problem: RegExp])[] = [
    ['spec: [', /custom\.yaml: line:1:/],
    ['spec: {}', /custom\.yaml: spec\.resources: /],
    [widget('    - groupVersionKind: { group: a.io, version: v1, kind: "*" }\n'), /a wildcard is not supported/],
    [widget('').replace('[spec, paused]', '5'), /custom\.yaml: spec\.resources\[0\]\.metrics\[0\]/],
    [widget('').replace('metricNamePrefix: mine', '<<: 3'), /<</],
    [widget('').replace('mine', 'kube').replace('deployment_paused', 'deployment_created'), /a built-in family kube_/],
    [
      `${widget('')}\n${widget('').split('\n').slice(2).join('\n').replace('"*"', 'v1')}`,
      /version "\*" together with other versions/,
    ],
  ];
  for (const [text, problem] of broken) {
    writeFileSync(file, text);
    const { code, stderr } = await runCommand(checkConfig, [agent]);
    assert.equal(code, 2, text);
    assert.match(stderr, problem);
    const args = ['-f', '-', '--custom-resource-state', file];
    await assert.rejects(
      runCommand(render, args),
      (error) => error instanceof UsageError && problem.test(error.message),
    );
  }
});

test('merge keys are handled as in kube-state-metrics: own keys take precedence, then earlier mappings', async (t) => {
  const file = join(scratchFolder(t), 'custom.yaml');
  writeFileSync(
    file,
    widget(`      labelsFromPath:
        <<: [{ a: [metadata, name] }, { a: [metadata, uid], b: [metadata, namespace], c: [kind] }]
        c: [apiVersion]`),
  );
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'n', uid: 'u' } };
  const args = ['-f', '-', '--custom-resource-state', file, '--metric-allowlist', '^mine_'];
  const { stdout } = await runCommand(render, args, { stdin: JSON.stringify(object) });
  assert.match(stdout, /\{a="d",b="n",c="apps\/v1",/);
});
