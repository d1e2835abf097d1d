import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjects } from '../../src/kube/object-text.ts';

const one = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one' } };
const two = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'two' } };

const texts: readonly (readonly [title: string, text: string])[] = [
  ['a List', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [one, two] }, undefined, 2)],
  [
    "the API's own list, whose items have no kind",
    JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items: [one, two].map(({ metadata }) => ({ metadata })) }),
  ],
  ['an array', JSON.stringify([one, two])],
  ['JSON lines', `${JSON.stringify(one)}\n\n${JSON.stringify(two)}\n`],
  [
    'YAML documents',
    '---\n# nothing\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: one}\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: two\n',
  ],
];

for (const [title, text] of texts) {
  test(`objects are read from ${title}`, () => assert.deepEqual(parseObjects(text), [one, two]));
}

test('an empty text has no objects', () => assert.deepEqual(parseObjects(''), []));

test('text that is neither JSON nor YAML, or not about objects, is refused with the position', () => {
  assert.throws(() => parseObjects('{"kind": "Pod",'), /neither JSON nor YAML: .*position 15/);
  assert.throws(() => parseObjects(`${JSON.stringify(one)}\n{"kind"`), /line 2 of JSON lines/);
  assert.throws(() => parseObjects('a: [1'), /line 1|at line/);
  assert.throws(() => parseObjects('apiVersion: 1\nkind: Pod'), /expected text as apiVersion, found 1/);
  assert.throws(() => parseObjects('apiVersion:\nkind: Pod'), /expected text as apiVersion, found null/);
  assert.throws(() => parseObjects('kind: [Pod]'), /expected text as kind, found \["Pod"\]/);
  assert.throws(() => parseObjects('just text'), /expected objects, found "just text"/);
});
