import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFilter, selector } from '../../../src/http/page/promql.js';

test('a selector quotes what a label value may contain', () => {
  assert.equal(selector('up', {}), 'up');
  assert.equal(selector('a_total', { device: 'sda', mode: '' }), 'a_total{device="sda", mode=""}');
  assert.equal(selector('a', { path: 'C:\\x\n"y"' }), 'a{path="C:\\\\x\\n\\"y\\""}');
});

test('a filter may contain labels, quoted or not, and words', () => {
  assert.deepEqual(parseFilter(''), { labels: {}, text: '' });
  assert.deepEqual(parseFilter('device=sda, mode="idle time"  nvme'), {
    labels: { device: 'sda', mode: 'idle time' },
    text: 'nvme',
  });
  assert.deepEqual(parseFilter('pod='), { labels: { pod: '' }, text: '' });
  assert.deepEqual(parseFilter('=x 9a=b'), { labels: {}, text: '=x 9a=b' });
});

test('a hostile filter is read in linear time', () => {
  const started = performance.now();
  parseFilter(`${'a'.repeat(50_000)}="${'b='.repeat(50_000)}`);
  assert.ok(performance.now() - started < 5000);
});
