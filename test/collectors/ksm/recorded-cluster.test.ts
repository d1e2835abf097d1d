import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { resources } from '../../../src/collectors/ksm/resources/index.ts';
import { fixture } from '../../kit/host-tree.ts';
import { difference, samplesOf } from '../../kit/samples.ts';
import { fullRenderer, recordedList } from './kit.ts';

process.env.TZ = 'UTC';

test('a recorded cluster has the samples of kube-state-metrics: none missing, none extra', () => {
  const errors: Error[] = [];
  let text = '';
  for (const resource of resources) {
    const renderer = fullRenderer(resource, ['*']);
    for (const object of recordedList(resource)) {
      const rendered = renderer.render(object);
      text += rendered.text;
      errors.push(...rendered.errors);
    }
  }
  const expected = samplesOf(readFileSync(fixture('cluster-cgroupv1/ksm.prom'), 'utf8'));
  assert.deepEqual(errors, []);
  assert.ok(expected.size > 1000);
  assert.deepEqual(difference(samplesOf(text), expected), []);
});
