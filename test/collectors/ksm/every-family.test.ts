import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXPECTED, metadata } from './expected-samples.ts';
import { fullRenderer, resourceNamed } from './kit.ts';

const nameOf = (line: string): string => line.slice(0, line.indexOf('{'));

for (const [resource, object, samples] of EXPECTED) {
  test(`the families of ${resource} that are in no case`, () => {
    const wanted = new Set(samples.map(nameOf));
    const { text } = fullRenderer(resourceNamed(resource), ['*'], ['*']).render({ metadata, ...object });
    const found = text.split('\n').filter((line) => wanted.has(nameOf(line)));
    assert.deepEqual(found.toSorted(), samples.toSorted());
  });
}
