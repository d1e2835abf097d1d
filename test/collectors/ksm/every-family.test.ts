import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '../../../src/collectors/ksm/resources/index.ts';
import { EXPECTED, metadata } from './expected-samples.ts';
import { fullRenderer, resourceNamed } from './kit.ts';

const nameOf = (line: string): string => line.slice(0, line.indexOf('{'));

for (const [index, [resource, object, samples]] of EXPECTED.entries()) {
  test(`object ${index + 1}, of ${resource}, has the expected samples`, () => {
    const wanted = new Set(samples.map(nameOf));
    const { text } = fullRenderer(resourceNamed(resource), ['*'], ['*']).render({ metadata, ...object });
    const found = text.split('\n').filter((line) => wanted.has(nameOf(line)));
    assert.deepEqual(found.toSorted(), samples.toSorted());
  });
}

/** What a field may have instead of its content: nothing, or, if that is a list or an object, an empty one. */
function emptyOf(content: unknown): readonly unknown[] {
  if (Array.isArray(content)) return [undefined, null, []];
  return typeof content === 'object' ? [undefined, null, {}] : [undefined, null];
}

for (const resource of resources) {
  test(`the optional fields of ${resource.name} may be absent`, () => {
    const renderer = fullRenderer(resource, ['*'], ['*']);
    const objects = [
      { metadata: { name: 'a' } },
      { metadata: { name: 'a' }, spec: {}, status: {} },
      ...EXPECTED.filter(([name]) => name === resource.name).map(([, object]) => object),
    ];
    for (const object of objects) {
      assert.deepEqual(renderer.render({ metadata, ...object }).errors.map(String), []);
      for (const [field, content] of Object.entries(object).filter(([name]) => name !== 'metadata')) {
        for (const value of emptyOf(content)) {
          const { errors } = renderer.render({ metadata, ...object, [field]: value });
          assert.deepEqual(errors.map(String), [], `${field}: ${JSON.stringify(value)}`);
        }
      }
    }
  });
}
