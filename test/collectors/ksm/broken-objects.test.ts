// Objects that no correct API server sends, but an old one, a custom admission or a bug might.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numberOf } from '../../../src/collectors/ksm/custom/path.ts';
import { resources } from '../../../src/collectors/ksm/resources/index.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { parseText } from '../../../src/metrics/text/parse.ts';
import { fullRenderer, linesOf, metadata, recordedList } from './kit.ts';

const ROUNDS = 30;

/** Reproducible numbers from 0 to 1: mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const JUNK: readonly unknown[] = [
  null,
  '',
  'x'.repeat(4096),
  'quote " backslash \\ newline \n',
  '12 parsecs',
  '2026-13-45T99:99:99Z',
  -1,
  1e300,
  '9'.repeat(400),
  `${'9'.repeat(400)}%`,
  true,
  [],
  [null],
  {},
  { toString: 1 },
];

/** A copy in which one field in twenty is missing or replaced by junk. */
function broken(value: unknown, random: () => number): unknown {
  if (random() < 0.05) return JUNK[Math.floor(random() * JUNK.length)];
  if (Array.isArray(value)) return value.map((item) => broken(item, random));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(() => random() >= 0.05);
  return Object.fromEntries(kept.map(([key, item]) => [key, broken(item, random)]));
}

for (const resource of resources) {
  const objects = recordedList(resource).slice(0, 20);
  if (objects.length === 0) continue;
  test(`${resource.name} with missing fields or junk instead of them are rendered to valid text and never throw`, () => {
    const renderer = fullRenderer(resource, ['*'], ['*']);
    const random = seededRandom(1);
    let lines = 0;
    for (let round = 0; round < ROUNDS; round++) {
      for (const object of objects) {
        const { text, counts, errors } = renderer.render(broken(object, random) as KubeObject);
        const series = new Set<string>();
        for (const line of parseText(text)) {
          assert.ok(line.kind === 'sample' && Number.isFinite(line.value));
          series.add(JSON.stringify([line.name, line.labels]));
        }
        assert.equal(series.size, text.split('\n').length - 1, 'a series is duplicated');
        assert.equal(
          series.size,
          counts.reduce((sum, count) => sum + count, 0),
        );
        assert.ok(errors.length <= renderer.families.length);
        lines += series.size;
      }
    }
    assert.ok(lines > 0);
  });
}

test('each field of a pod can be null or missing, and only metrics about it are affected', () => {
  const pods = resources.find(({ name }) => name === 'pods');
  assert.ok(pods);
  const renderer = fullRenderer(pods, ['*'], ['*']);
  const [pod] = recordedList(pods);
  for (const part of ['spec', 'status']) {
    for (const field of Object.keys((pod as Record<string, object>)[part] ?? {})) {
      for (const value of [null, undefined]) {
        const copy = structuredClone(pod) as Record<string, Record<string, unknown>>;
        (copy[part] ?? {})[field] = value;
        assert.deepEqual(renderer.render(copy).errors, [], `${part}.${field}`);
      }
    }
    assert.deepEqual(renderer.render({ ...pod, [part]: null }).errors, []);
  }
});

for (const [resource, object, family] of [
  ['roles', { metadata: { ...metadata, resourceVersion: '9'.repeat(400) } }, 'kube_role_metadata_resource_version'],
  [
    'deployments',
    { spec: { replicas: 4, strategy: { rollingUpdate: { maxSurge: `${'9'.repeat(400)}%` } } } },
    'kube_deployment_spec_strategy_rollingupdate_max_surge',
  ],
] as const) {
  test(`${family} is never infinite`, () => assert.deepEqual(linesOf(resource, object, family), []));
}

test('a value of a custom resource is never infinite', () => {
  for (const text of ['9'.repeat(400), `${'9'.repeat(400)}%`, '1e400']) {
    const value = numberOf(text);
    assert.ok(value === undefined || Number.isFinite(value), `${text.slice(-3)}: ${value}`);
  }
});
