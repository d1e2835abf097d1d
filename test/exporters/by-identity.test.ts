import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TargetsPushed } from '../../src/exporters/delivery/targets-pushed.ts';
import { textByIdentity } from '../../src/exporters/pushgateway/by-identity.ts';

const HEADER = '# HELP up Up.\n# TYPE up gauge\n# HELP t Time.\n# TYPE t histogram\n';

test('lines are split by job and instance, under the headers of their families', () => {
  const text = `${HEADER}up{job="a",instance="x:1"} 1\nup{job="a",instance="x:2"} 0\nt_bucket{instance="x:1",job="a",le="+Inf"} 2\nt_sum{job="a",instance="x:1"} 0.5\nt_count{job="a",instance="x:1"} 2\n`;
  const [first, second, ...more] = textByIdentity(text);
  assert.deepEqual(more, []);
  assert.deepEqual([first?.job, first?.instance, first?.samples], ['a', 'x:1', 4]);
  assert.equal(
    first?.text,
    `# HELP up Up.\n# TYPE up gauge\nup{job="a",instance="x:1"} 1\n# HELP t Time.\n# TYPE t histogram\nt_bucket{instance="x:1",job="a",le="+Inf"} 2\nt_sum{job="a",instance="x:1"} 0.5\nt_count{job="a",instance="x:1"} 2\n`,
  );
  assert.equal(second?.text, '# HELP up Up.\n# TYPE up gauge\nup{job="a",instance="x:2"} 0\n');
});

test('a name like that of a part belongs to a family only if that family has such parts', () => {
  const [part] = textByIdentity(
    '# TYPE x gauge\n# TYPE s summary\nx_count{job="a"} 1\ns_bucket{job="a"} 2\ns_sum{job="a"} 3\n',
  );
  assert.equal(part?.text, 'x_count{job="a"} 1\ns_bucket{job="a"} 2\n# TYPE s summary\ns_sum{job="a"} 3\n');
});

const LINES: readonly (readonly [what: string, line: string, expected: readonly unknown[]])[] = [
  ['escapes', 'x{job="a\\"b\\\\\\nc",instance="i"} 1', ['a"b\\\nc', 'i', 'x{job="a\\"b\\\\\\nc",instance="i"} 1\n']],
  [
    'a value like a label',
    'x{q="a,job=",job="b",instance="i"} 1',
    ['b', 'i', 'x{q="a,job=",job="b",instance="i"} 1\n'],
  ],
  ['a bracket in a value', 'x{q="} 1 2",job="b"} 1', ['b', undefined, 'x{q="} 1 2",job="b"} 1\n']],
  ['a timestamp, cut off', 'x{job="b"} 1.5 1.7952653127695e12', ['b', undefined, 'x{job="b"} 1.5\n']],
];

for (const [what, line, expected] of LINES) {
  test(`a line with ${what}`, () => {
    const [part] = textByIdentity(`${line}\n`);
    assert.deepEqual([part?.job, part?.instance, part?.text], expected);
  });
}

test('a line without a job is in no batch', () => {
  assert.deepEqual(textByIdentity('x 1\nx{instance="a"} 2\nx{job=""} 3\n'), []);
});

test('of duplicate series the last line counts', () => {
  const [part] = textByIdentity('x{job="a",n="1"} 1 1.7e12\nx{job="a",n="2"} 5 1.7e12\nx{job="a",n="1"} 2 1.8e12\n');
  assert.deepEqual([part?.samples, part?.text], [2, 'x{job="a",n="1"} 2\nx{job="a",n="2"} 5\n']);
});

test('a target of a group is gone when a batch lacks it; a scrape target, which is pushed once, after an hour', () => {
  const pushed = new TargetsPushed();
  const target = (instance: string) => ({ job: 'a', instance, labels: {} });
  for (const group of ['probe', 'scrape'] as const) pushed.update(group, [target('1'), target('2')], 1000);
  assert.deepEqual(pushed.update('probe', [target('1')], 2000), [target('2')]);
  assert.deepEqual(pushed.update('scrape', [target('1')], 2000), []);
  assert.deepEqual(pushed.update('scrape', [target('1')], 66 * 60_000), [target('2')]);
  assert.deepEqual(pushed.update('scrape', [], 66 * 60_000 + 1), []);
});
