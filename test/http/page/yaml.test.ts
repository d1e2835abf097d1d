import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { toYaml } from '../../../src/http/page/yaml.js';

const CONFIG = {
  cluster: 'prod-eu-1',
  labels: {},
  yes: 'no',
  list: [],
  'odd key: #': ['- a', '1', 'true', 'null', '', 'a: b', '# c', '"', '\n', 'ü', '{x}', '*a', '&b', '!c', '%d', '@e'],
  nested: [[1, [2]], { a: 1, b: { c: ['x'] } }, {}, []],
  numbers: [0, -1.5, 1e21],
  none: null,
  flag: false,
  paths: ['/proc', 'http://vm:8428/insert/0', '10.0.0.1:80', '1e3', '0x10', '12:30', '~'],
};

test('a YAML reader reads back what was written', () => {
  assert.deepEqual(parse(toYaml(CONFIG)), CONFIG);
  for (const value of [{}, [], 'a', 3]) assert.deepEqual(parse(toYaml(value)), value);
});

test('it has the usual notation', () => {
  const text = toYaml({ push: { interval: 15000, phase: 'auto' }, groups: ['node', 'agent'], urls: [{ a: 1, b: 2 }] });
  assert.equal(
    text,
    'push:\n  interval: 15000\n  phase: auto\ngroups:\n  - node\n  - agent\nurls:\n  - a: 1\n    b: 2\n',
  );
});
