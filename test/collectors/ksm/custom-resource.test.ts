import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CustomResourceError } from '../../../src/collectors/ksm/custom/config.ts';
import { parseCustomResources } from '../../../src/collectors/ksm/custom/resource.ts';
import { resourcePath } from '../../../src/collectors/ksm/resource.ts';
import { fullRenderer } from './kit.ts';

const foo = {
  apiVersion: 'myteam.io/v1',
  kind: 'Foo',
  metadata: { name: 'foo', labels: { tier: 'a', '1st': 'x' }, annotations: { note: 'n' } },
  spec: {
    version: 'v1.2.3',
    order: [
      { id: 1, value: true },
      { id: 3, value: false },
    ],
    refs: ['one', 'two'],
  },
  status: {
    phase: 'Pending',
    uptime: 43.21,
    ratio: '25%',
    memory: '512Mi',
    since: '2019-10-22T16:29:31Z',
    active: { 'type-a': 1, 'type-b': 3 },
    sub: { 'type-a': { active: 1, ready: 2 }, 'type-b': { active: 3, ready: 4 } },
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Synced', status: 'Unknown' },
      { type: 'Odd', status: 'perhaps' },
    ],
  },
};

const file = (metrics: string, more = '') => `kind: CustomResourceStateMetrics
spec:
  resources:
  - groupVersionKind: {group: myteam.io, kind: Foo, version: v1}
    labelsFromPath: {name: [metadata, name]}
${more}    metrics:
${metrics}`;

/** The lines of one metric of foo, without the labels that all have. */
function linesOf(metric: string): { lines: string[]; errors: string[] } {
  const [resource] = parseCustomResources(file(`    - ${metric}`));
  assert.ok(resource);
  const { text, errors } = fullRenderer(resource).render(foo);
  const common = /customresource_(?:group="myteam.io"|kind="Foo"|version="v1"),?/g;
  return {
    lines: text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replaceAll(common, '')),
    errors: errors.map(({ message }) => message),
  };
}

const cases: readonly (readonly [title: string, metric: string, lines: readonly string[]])[] = [
  [
    'a number',
    '{name: uptime, each: {type: Gauge, gauge: {path: [status, uptime]}}}',
    ['kube_customresource_uptime{name="foo"} 43.21'],
  ],
  [
    'a percentage',
    '{name: ratio, each: {type: gauge, gauge: {path: [status, ratio]}}}',
    ['kube_customresource_ratio{name="foo"} 0.25'],
  ],
  [
    'a quantity',
    '{name: memory, each: {type: Gauge, gauge: {path: [status, memory]}}}',
    ['kube_customresource_memory{name="foo"} 536870912'],
  ],
  [
    'a time',
    '{name: since, each: {type: Gauge, gauge: {path: [status, since]}}}',
    ['kube_customresource_since{name="foo"} 1571761771'],
  ],
  [
    'an element of a list by index and by key',
    '{name: first, each: {type: Gauge, gauge: {path: [spec, order, 0, value], labelsFromPath: {}}}}',
    ['kube_customresource_first{name="foo"} 1'],
  ],
  [
    'an element of a list from its end, looked up by a number',
    '{name: last, each: {type: Gauge, gauge: {path: [spec, order, "[id=3]"], valueFrom: [value], labelsFromPath: {id: [id]}}}}',
    // The element is a map: its entry "value" is the value, and the labels come from its own fields.
    ['kube_customresource_last{id="3",name="foo"} 0'],
  ],
  [
    'the entries of a map',
    '{name: active, each: {type: Gauge, gauge: {path: [status, active], labelFromKey: type}}}',
    [
      'kube_customresource_active{name="foo",type="type-a"} 1',
      'kube_customresource_active{name="foo",type="type-b"} 3',
    ],
  ],
  [
    'fields of the entries of a map',
    `{name: ready, commonLabels: {custom: "yes"}, labelsFromPath: {"*": [metadata, labels], "note_*": [metadata, annotations]},
      each: {type: Gauge, gauge: {path: [status, sub], labelFromKey: type, labelsFromPath: {active: [active]}, valueFrom: [ready]}}}`,
    [
      'kube_customresource_ready{_1st="x",active="1",custom="yes",name="foo",note_note="n",tier="a",type="type-a"} 2',
      'kube_customresource_ready{_1st="x",active="3",custom="yes",name="foo",note_note="n",tier="a",type="type-b"} 4',
    ],
  ],
  ['nothing for a missing field', '{name: none, each: {type: Gauge, gauge: {path: [status, nothing, here]}}}', []],
  [
    'zero for a missing field, if configured',
    '{name: none, each: {type: Gauge, gauge: {path: [status, nothing], nilIsZero: true}}}',
    ['kube_customresource_none{name="foo"} 0'],
  ],
  [
    'texts of a list as labels',
    '{name: ref_info, each: {type: Info, info: {path: [spec, refs], labelsFromPath: {ref: []}}}}',
    ['kube_customresource_ref_info{name="foo",ref="one"} 1', 'kube_customresource_ref_info{name="foo",ref="two"} 1'],
  ],
  [
    'a text of the object as label',
    '{name: version_info, each: {type: Info, info: {labelsFromPath: {version: [spec, version]}}}}',
    ['kube_customresource_version_info{name="foo",version="v1.2.3"} 1'],
  ],
  [
    'a state among known ones',
    '{name: phase, each: {type: StateSet, stateSet: {path: [status, phase], labelName: phase, list: [Pending, Running]}}}',
    [
      'kube_customresource_phase{name="foo",phase="Pending"} 1',
      'kube_customresource_phase{name="foo",phase="Running"} 0',
    ],
  ],
];

for (const [title, metric, lines] of cases) {
  test(`a custom family exposes ${title}`, () => assert.deepEqual(linesOf(metric), { lines, errors: [] }));
}

test('a non-numeric element is reported; the others are exposed', () => {
  const { lines, errors } = linesOf(
    '{name: status, each: {type: Gauge, gauge: {path: [status, conditions], valueFrom: [status], labelsFromPath: {type: [type]}}}}',
  );
  assert.deepEqual(lines, [
    'kube_customresource_status{name="foo",type="Ready"} 1',
    'kube_customresource_status{name="foo",type="Synced"} 0',
  ]);
  assert.deepEqual(errors, ['kube_customresource_status: perhaps is not a number']);
});

test('the resource has the path of its API; entries for the same resource, and for the same name, are merged', () => {
  const [resource, ...more] = parseCustomResources(`
spec:
  resources:
  - groupVersionKind: {group: stable.io, version: v2, kind: NetworkPolicy}
    metricNamePrefix: ""
    metrics:
    - {name: limit, help: Limits., commonLabels: {unit: core}, each: {type: Gauge, gauge: {path: [cpu]}}}
    - {name: limit, commonLabels: {unit: byte}, each: {type: Gauge, gauge: {path: [memory]}}}
  - groupVersionKind: {group: stable.io, version: v2, kind: NetworkPolicy}
    metricNamePrefix: other
    metrics: [{name: limit, each: {type: Gauge, gauge: {path: [cpu]}}}]
`);
  assert.ok(resource && more.length === 0);
  assert.equal(resourcePath(resource), '/apis/stable.io/v2/networkpolicies');
  assert.deepEqual(
    resource.families.map(({ family: { name, help, type } }) => [name, help, type]),
    [
      ['limit', 'Limits.', 'gauge'],
      ['other_limit', '', 'gauge'],
    ],
  );
  const { text } = fullRenderer(resource).render({ metadata: { name: 'a' }, cpu: '500m', memory: '1Ki' } as object);
  assert.deepEqual(text.match(/unit="\w+"} .*/g), ['unit="core"} 0.5', 'unit="byte"} 1024']);
});

const gauge = '{name: up, each: {type: Gauge, gauge: {path: [a]}}}';

const wrong: readonly (readonly [title: string, text: string, problems: readonly RegExp[]])[] = [
  ['no YAML', 'a: [', [/line:1:/]],
  ['another kind', 'kind: Pod\nspec: {resources: []}', [/^kind: .*CustomResourceStateMetrics/]],
  ['no resources', 'spec: {}', [/^spec\.resources: /]],
  ['an unknown type', file('    - {name: a, each: {type: Counter}}'), [/metrics\[0\]\.each: type "Counter": expected/]],
  ['a type without its section', file('    - {name: a, each: {type: Info}}'), [/type is Info but there is no info/]],
  [
    'an unknown key and a bad lookup',
    file('    - {name: a, halp: x, each: {type: Gauge, gauge: {path: ["[name]"]}}}'),
    [/each\.gauge\.path: "\[name\]" looks up nothing/, /metrics\[0\]: .*halp/],
  ],
  ['a bad metric name', file('    - {name: a-b, each: {type: Gauge, gauge: {}}}'), [/\.name: a metric name has/]],
  [
    'a bad prefix',
    file(`    - ${gauge}`, '    metricNamePrefix: "9"\n'),
    [/foos\.myteam\.io: "9_up" is not a valid metric name/],
  ],
  [
    'a name that is taken',
    file('    - {name: pod_info, each: {type: Gauge, gauge: {}}}', '    metricNamePrefix: kube\n'),
    [/a built-in family kube_pod_info already exists/],
  ],
  [
    'a wildcard kind and no metrics',
    'spec:\n  resources:\n  - groupVersionKind: {group: a.io, version: v1, kind: "*"}\n    metrics: []\n',
    [/kind: a wildcard is not supported/, /metrics: /],
  ],
  [
    'any version of a resource together with one of them',
    `spec:\n  resources:\n${['v1', '"*"'].map((version) => `  - {groupVersionKind: {group: a.io, version: ${version}, kind: Bus}, metrics: [${gauge}]}\n`).join('')}`,
    [/^buses\.a\.io: version "\*" together with other versions/],
  ],
];

for (const [title, text, problems] of wrong) {
  test(`a file with ${title} is refused with each problem and its position`, () => {
    assert.throws(
      () => parseCustomResources(text),
      (error) => {
        assert.ok(error instanceof CustomResourceError);
        assert.equal(error.problems.length, problems.length, error.message);
        for (const problem of problems) assert.match(error.message, new RegExp(problem.source, 'm'));
        return true;
      },
    );
  });
}
