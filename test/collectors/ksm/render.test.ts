import assert from 'node:assert/strict';
import { test } from 'node:test';
import { info, namespaced, series, single } from '../../../src/collectors/ksm/common.ts';
import { rendererOf } from '../../../src/collectors/ksm/render.ts';
import { defineResource, type KubeFamily, PartlyLost } from '../../../src/collectors/ksm/resource.ts';
import { parseText } from '../../../src/metrics/text/parse.ts';
import { fullRenderer, resourceNamed } from './kit.ts';

const metadata = { namespace: 'ns', name: 'a' };

const rendererFor = (...families: KubeFamily[]) =>
  rendererOf(
    defineResource({
      name: 'things',
      kind: 'Thing',
      apiVersion: 'v1',
      namespaced: true,
      enabled: true,
      identity: namespaced('thing'),
      families,
    }),
    { includes: () => true },
  );

test('an object is rendered to lines in the order of the metrics, with the count of each', () => {
  const renderer = rendererFor(
    single('kube_thing_size', 'STABLE', 'Size.', () => 2),
    single('kube_thing_none', 'STABLE', 'None.', () => undefined),
    series('kube_thing_part', 'STABLE', 'Parts.', ['part'], (_, emit) => {
      emit(1.5, 'x');
      emit(0, undefined);
    }),
  );
  assert.deepEqual(renderer.render({ metadata }), {
    text: [
      'kube_thing_size{namespace="ns",thing="a"} 2\n',
      'kube_thing_part{namespace="ns",thing="a",part="x"} 1.5\n',
      'kube_thing_part{namespace="ns",thing="a",part=""} 0\n',
    ].join(''),
    counts: [1, 0, 2],
    errors: [],
    renamed: 0,
    overLimit: [],
  });
  assert.deepEqual(renderer.headers.slice(0, 1), ['# HELP kube_thing_size Size.\n# TYPE kube_thing_size gauge\n']);
});

test('a metric that fails loses only its own lines', () => {
  const { text, counts, errors } = rendererFor(
    single('kube_thing_first', 'STABLE', 'First.', () => 1),
    series('kube_thing_bad', 'STABLE', 'Bad.', ['part'], (_, emit) => {
      emit(1, 'x');
      throw new Error('no such field');
    }),
    single('kube_thing_nan', 'STABLE', 'NaN.', () => Number.NaN),
    single('kube_thing_text', 'STABLE', 'Text.', (object) => (object as { size?: number }).size),
    single('kube_thing_last', 'STABLE', 'Last.', () => 1),
  ).render(JSON.parse('{"metadata": {"name": "a"}, "size": "3"}'));
  assert.equal(text, 'kube_thing_first{namespace="",thing="a"} 1\nkube_thing_last{namespace="",thing="a"} 1\n');
  assert.deepEqual(counts, [1, 0, 0, 0, 1]);
  assert.deepEqual(
    errors.map(({ message }) => message),
    ['kube_thing_bad: no such field', 'kube_thing_nan: null is not a number', 'kube_thing_text: "3" is not a number'],
  );
});

test('a metric that partially fails keeps the rest', () => {
  const { counts, errors } = rendererFor(
    series('kube_thing_part', 'STABLE', 'Parts.', ['part'], (_, emit) => {
      emit(1, 'x');
      throw new PartlyLost('the other');
    }),
  ).render({ metadata });
  assert.deepEqual(counts, [1]);
  assert.match(String(errors[0]), /kube_thing_part: the other/);
});

test('a duplicate series is exposed once, with few or many series', () => {
  const { counts } = rendererFor(
    series('kube_thing_few', 'STABLE', 'Few.', ['part'], (_, emit) => {
      for (const part of ['x', 'y', 'x']) emit(1, part);
    }),
    series('kube_thing_many', 'STABLE', 'Many.', ['part'], (_, emit) => {
      for (let index = 0; index < 100; index++) emit(1, String(index % 20));
    }),
  ).render({ metadata });
  assert.deepEqual(counts, [2, 20]);
});

test('label values are escaped, whatever they contain', () => {
  const long = 'é"\\\n'.repeat(1024);
  const { text, errors } = rendererFor(
    info('kube_thing_info', 'STABLE', 'Info.', ['a', 'b', 'c', 'd'], (object) => Object.values(object).slice(1)),
  ).render(JSON.parse(JSON.stringify({ metadata, a: long, b: ['x"', 'y'], c: 7, d: '\ud800' })));
  const [line] = [...parseText(text)];
  assert.deepEqual(errors, []);
  assert.deepEqual(line?.kind === 'sample' ? Object.fromEntries(line.labels) : {}, {
    namespace: 'ns',
    thing: 'a',
    a: long,
    b: 'x",y',
    c: '7',
    d: '\ufffd',
  });
});

test('a value that is not an object with a name gives only an error', () => {
  const renderer = fullRenderer(resourceNamed('pods'));
  for (const object of [{}, { metadata: null }, { metadata: { name: '' } }, null, 'pod', []]) {
    const { text, counts, errors } = renderer.render(object as object);
    assert.equal(text, '');
    assert.ok(counts.every((count) => count === 0) && counts.length === renderer.families.length);
    assert.equal(errors.length, 1);
  }
});

test('labels and annotations are exposed only when allowed, as labels of one series', () => {
  const object = { metadata: { ...metadata, labels: { app: 'x' }, annotations: { note: 'y' } } };
  const names = (labels: string[], annotations: string[]) =>
    fullRenderer(resourceNamed('configmaps'), labels, annotations)
      .render(object)
      .text.split('\n')
      .filter((line) => /_labels|_annotations/.test(line));
  assert.deepEqual(names([], []), []);
  assert.deepEqual(names(['*'], ['none']), [
    'kube_configmap_annotations{namespace="ns",configmap="a"} 1',
    'kube_configmap_labels{namespace="ns",configmap="a",label_app="x"} 1',
  ]);
});

test('labels that the push sets are renamed, in the resource, the metric and the object', () => {
  const things = defineResource({
    name: 'things',
    kind: 'Thing',
    apiVersion: 'v1',
    namespaced: true,
    enabled: true,
    identity: namespaced('job'),
    families: [
      series('kube_thing_part', 'STABLE', 'Parts.', ['instance'], (_, emit) => {
        emit(1, 'x', 'cluster', 'a', 'zone', 'z');
        emit(1, 'y', 'exported_cluster', 'b', 'cluster', 'c');
        emit(1, 'z', 'zone', 'cluster');
        emit(1, 'z', 'zone', 'cluster', 'cluster', '');
      }),
    ],
  });
  const pushed = { names: new Set(['job', 'instance', 'cluster']) };
  const { text, renamed } = rendererOf(things, { includes: () => true, pushed }).render({ metadata });
  assert.deepEqual(text.trim().split('\n'), [
    'kube_thing_part{namespace="ns",exported_job="a",exported_instance="x",exported_cluster="a",zone="z"} 1',
    'kube_thing_part{namespace="ns",exported_job="a",exported_instance="y",exported_cluster="b",exported_exported_cluster="c"} 1',
    'kube_thing_part{namespace="ns",exported_job="a",exported_instance="z",zone="cluster"} 1',
  ]);
  assert.equal(renamed, 3);
});

test('series that VictoriaMetrics would drop are reported, but still in the text', () => {
  const limits = { labels: 40, nameBytes: 256, valueBytes: 4096 };
  const pushed = { names: new Set(['job', 'instance']), limits };
  const render = (labels: Record<string, string>, nameBytes = limits.nameBytes) =>
    fullRenderer(resourceNamed('nodes'), ['*'], [], { ...pushed, limits: { ...limits, nameBytes } }).render({
      metadata: { name: 'n1', labels },
    }).overLimit;
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`l${index}`, 'x']));
  // With its name, job, instance and node.
  assert.deepEqual(render(many(36)), []);
  assert.match(render(many(37))[0] ?? '', /^kube_node_labels\{node="n1".* has 41 labels, the limit is 40$/);
  assert.deepEqual(render({ a: 'é'.repeat(2048) }), []);
  assert.match(render({ a: 'é'.repeat(2049) })[0] ?? '', /label label_a with 4098 bytes/);
  assert.match(render({ [`${'d'.repeat(253)}/x`]: '1' })[0] ?? '', /a label name of 261 bytes/);
  assert.match(render({ [`${'d'.repeat(40)}`]: '1' }, 30)[0] ?? '', /a label name of 46 bytes, the limit is 30/);
  assert.equal(render(many(300)).length, 1);
});

test('a series with two values is an error of the metric, a repeated one is not', () => {
  const part = (values: readonly number[]) =>
    series('kube_thing_part', 'STABLE', 'Parts.', ['part'], (_, emit) => {
      for (const value of values) emit(value, 'x');
      for (let index = 0; index < 20; index++) emit(index, `${index}`);
      for (const value of values) emit(value, '3');
    });
  const same = rendererFor(part([3, 3])).render({ metadata });
  assert.deepEqual([same.errors, same.counts], [[], [21]]);
  const other = rendererFor(part([3, 4])).render({ metadata });
  assert.deepEqual(other.counts, [21]);
  assert.match(other.errors[0]?.message ?? '', /part="x"\} has conflicting values 3 and 4; keeping the first/);
});
