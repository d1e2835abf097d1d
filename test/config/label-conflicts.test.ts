import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadSettings } from '../../src/commands/settings.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';

const off = { enabled: false };
const onlyKsm = (ksm: object = {}) => ({ node: off, container: off, process: off, ksm: { enabled: true, ...ksm } });
const onlyNode = (node: object) => ({ node, container: off, process: off });

/** The paths that are refused, with the family that each names, and the warnings. */
function resultOf(t: TestContext, config: object): { refused: readonly string[]; warnings: readonly string[] } {
  const file = join(scratchFolder(t), 'config.yaml');
  writeFileSync(file, JSON.stringify(config));
  try {
    return { refused: [], warnings: loadSettings({ config: file }, {}).warnings };
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const shortened = (problem: string) => problem.replace(/^.*?:\d+:\d+: /, '').replace(/ has a label of.*$/, '');
    return { refused: cause.problems.map(shortened), warnings: [] };
  }
}

const CASES: readonly (readonly [
  what: string,
  config: object,
  refused: readonly string[],
  renamed?: readonly string[],
])[] = [
  ['a label of a resource', { labels: { type: 'prod' }, collectors: onlyKsm() }, ['labels.type: kube_limitrange']],
  [
    'a label that names objects',
    { labels: { service: 'infra' }, collectors: onlyKsm() },
    ['labels.service: kube_service_info'],
  ],
  [
    'the same without the resource',
    { labels: { service: 'infra' }, collectors: onlyKsm({ resources: ['nodes'] }) },
    [],
  ],
  [
    'a collector that is off by default',
    { labels: { state: 'bavaria' }, collectors: onlyNode({ include: ['processes', 'cpu'] }) },
    [],
    ['labels.state: node_processes_state has a label of this name: it is pushed as exported_state'],
  ],
  [
    'the same in two groups',
    { labels: { state: 'bavaria' }, collectors: { node: { include: ['processes'] }, container: off } },
    ['labels.state: node_processes_state'],
  ],
  [
    'a collector that is on by default',
    { labels: { zone: 'eu-1' } },
    [],
    ['labels.zone: node_thermal_zone_temp has a label of this name: it is pushed as exported_zone'],
  ],
  ['the same without it', { labels: { state: 'bavaria' }, collectors: onlyNode({ include: ['cpu'] }) }, []],
  [
    'an excluded collector',
    { labels: { device: 'x' }, collectors: onlyNode({ include: ['netdev'], exclude: ['netdev'] }) },
    [],
  ],
  [
    'process groups',
    { labels: { groupname: 'x' }, collectors: { node: off, container: off } },
    ['labels.groupname: namedprocess_namegroup_num_procs'],
  ],
  [
    'bounds of histograms',
    { labels: { le: '1' }, collectors: onlyNode({ include: ['loadavg'] }) },
    ['labels.le: histograms'],
  ],
  [
    'a label of identity',
    { identity: { ksm: { labels: { namespace: 'monitoring' } } }, collectors: onlyKsm() },
    ['identity.ksm.labels.namespace: kube_'],
  ],
  [
    'a label of the identity of a group that is not collected',
    { identity: { ksm: { labels: { namespace: 'x' } } } },
    [],
  ],
  [
    'job and instance',
    { labels: { job: 'x', instance: 'y' } },
    ['labels.job: job and instance', 'labels.instance: job and instance'],
  ],
  [
    'self metrics of the agent',
    { labels: { reason: 'x', collector: 'y' } },
    ['labels.reason: firesteel_', 'labels.collector: firesteel_'],
  ],
  ['cluster twice', { cluster: 'a', labels: { cluster: 'b' } }, ['labels.cluster: use the setting cluster']],
  [
    'labels that no family has',
    { cluster: 'a', labels: { env: 'prod', team: 'x', region: 'eu' }, collectors: onlyKsm() },
    [],
  ],
  ['the defaults', {}, []],
];

for (const [what, config, refused, renamed = []] of CASES) {
  test(`labels on every series: ${what}`, (t) => {
    const { refused: found, warnings } = resultOf(t, config);
    assert.deepEqual(warnings, renamed);
    assert.equal(found.length, refused.length, found.join('\n'));
    for (const [index, problem] of found.entries()) assert.ok(problem.startsWith(refused[index] ?? '?'), problem);
  });
}

test('labels of custom resources are considered if the file names them', (t) => {
  const file = fixture('reports/cr-duplicate-labels-kill-group/cr.yaml');
  const collectors = onlyKsm({ customResourceStateFile: file, resources: ['nodes'] });
  assert.deepEqual(resultOf(t, { labels: { phase: 'x', name: 'y' }, collectors }).warnings, [
    'labels.phase: acme_widget_phase has a label of this name: it is pushed as exported_phase',
    'labels.name: acme_widget_phase has a label of this name: it is pushed as exported_name',
  ]);
  // job, instance and cluster are renamed when they are pushed.
  assert.deepEqual(resultOf(t, { cluster: 'prod', labels: { env: 'x' }, collectors }), { refused: [], warnings: [] });
});
