import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bindCollector } from '../../../src/collectors/collector.ts';
import { textfile } from '../../../src/collectors/node/textfile.ts';
import { boundText } from '../../../src/collectors/node/textfile-parse.ts';
import { Host } from '../../../src/host/host.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixture, fixturePaths, hostTree } from '../../kit/host-tree.ts';
import { difference, nameOf, samplesOf } from '../../kit/samples.ts';

// The folders of node_exporter's own test with its output for each; modification times are not those of the copies. The
// folder about HELP texts is omitted, because the copies do not have these.
for (const [scene, directory = scene] of [
  ['client_side_timestamp'],
  ['different_metric_types'],
  ['glob_extra_dimension', '*_extra_dimension'],
  ['histogram'],
  ['histogram_extra_dimension'],
  ['inconsistent_metrics'],
  ['metrics_merge_empty_help'],
  ['metrics_merge_no_help'],
  ['metrics_merge_same_help'],
  ['no_metric_files'],
  ['nonexistent_path'],
  ['summary'],
  ['summary_extra_dimension'],
  ['two_metric_files'],
] as const) {
  test(`files as node_exporter reads them: ${scene}`, async () => {
    const text = readFileSync(fixture(`node/textfile/${scene}.out`), 'utf8');
    const folder = fixture('node/textfile');
    const { lines } = await collectOnce(textfile, fixturePaths(), { directory: join(folder, directory) });
    const seen = samplesOf(`${lines.join('\n')}\n`.replaceAll(folder, 'fixtures/textfile'));
    for (const series of seen.keys()) if (nameOf(series) === 'node_textfile_mtime_seconds') seen.set(series, 1);
    assert.deepEqual(difference(seen, samplesOf(text)), []);
  });
}

/** Collects from these files; returns the lines without mtimes, and the messages of the losses. */
async function collect(t: TestContext, files: Readonly<Record<string, string>>, options: object = {}) {
  const paths = hostTree(t, { 'keep/empty': '', ...files });
  const directory = join(paths.rootfs, 'texts');
  const { lines, result, snapshot } = await collectOnce(textfile, paths, { directory, ...options });
  const losses = result.errors.map(({ message }) => message.replaceAll(`${directory}/`, ''));
  const rest = lines.filter((line) => !line.startsWith('node_textfile_'));
  return { lines: rest, losses, snapshot, failed: lines.includes('node_textfile_scrape_error 1') };
}

test('without a directory only the error gauge is exposed', async (t) => {
  const { lines } = await collectOnce(textfile, hostTree(t, {}));
  assert.deepEqual(lines, ['node_textfile_scrape_error 0']);
});

for (const [what, text, loss] of [
  ['an invalid line', 'a 1\nb{\n', /^bad\.prom: line 2: /],
  ['a timestamp', 'a 1 1441205977284\n', /^bad\.prom: a has a timestamp/],
  ['a half-written last line', 'a 1\nb 12', /^bad\.prom: the last line is incomplete/],
  ['two HELP lines', '# HELP a x\n# HELP a x\na 1\n', /^bad\.prom: a has two HELP lines/],
  ['a late TYPE line', 'a 1\n# TYPE a gauge\n', /^bad\.prom: a has samples before its TYPE line/],
  ['a label with the reserved name __name__', 'a{__name__="b"} 1\n', /^bad\.prom: a has the reserved label __name__/],
  [
    'a bound that is not a number',
    '# TYPE a histogram\na_bucket{le="x"} 1\n',
    /^bad\.prom: expected a number, found "x"/,
  ],
] as const) {
  test(`a file with ${what} loses only itself`, async (t) => {
    const { lines, losses, failed } = await collect(t, { 'texts/bad.prom': text, 'texts/good.prom': 'good 1\n' });
    assert.deepEqual(lines, ['good 1']);
    assert.match(losses.join('\n'), loss);
    assert.equal(failed, true);
  });
}

test('the first HELP and TYPE of a metric win; a contradicting file loses the metric, not the rest', async (t) => {
  const { lines, losses, snapshot } = await collect(t, {
    'texts/a.prom': '# HELP x One.\n# TYPE x gauge\nx{file="a"} 1\n',
    'texts/b.prom': '# HELP x Two.\n# TYPE x gauge\nx{file="b"} 1\ny 1\n',
    'texts/c.prom': '# HELP x One.\nx{file="c"} 1\n',
    'texts/d.prom': '# TYPE x gauge\nx{file="d"} 1\n',
  });
  assert.deepEqual(lines, ['x{file="a"} 1', 'x{file="d"} 1', 'y 1']);
  assert.deepEqual(snapshot.families.get('x'), { name: 'x', type: 'gauge', help: 'One.', labels: [] });
  assert.match(snapshot.families.get('y')?.help ?? '', /^Read from .*\/b\.prom\.$/);
  assert.match(losses[0] ?? '', /^b\.prom: the HELP text of x differs from .*a\.prom/);
  assert.match(losses[1] ?? '', /^c\.prom: x is untyped here, but gauge in .*a\.prom/);
});

test('a series in two files is exposed once, whatever the order of its labels', async (t) => {
  const { lines, losses } = await collect(t, {
    'texts/a.prom': 'x{a="1",b="2"} 1\n',
    'texts/b.prom': 'x{b="2",c="",a="1"} 2\n',
  });
  assert.deepEqual(lines, ['x{a="1",b="2"} 1']);
  assert.match(losses.join(), /duplicate series/);
});

test('modification times are whole seconds', async (t) => {
  const paths = hostTree(t, { 'a.prom': '' });
  utimesSync(join(paths.rootfs, 'a.prom'), 1.9, 1.9);
  const { lines } = await collectOnce(textfile, paths, { directory: [paths.rootfs] });
  assert.deepEqual(lines, [
    `node_textfile_mtime_seconds{file="${paths.rootfs}/a.prom"} 1`,
    'node_textfile_scrape_error 0',
  ]);
});

test('oversized and non-regular files are not read', async (t) => {
  const paths = hostTree(t, { 'large.prom': `# ${'x'.repeat(100)}\n`, 'folder.prom/x': '' });
  execFileSync('mkfifo', [join(paths.rootfs, 'pipe.prom')]);
  const { result } = await collectOnce(textfile, paths, { directory: paths.rootfs, maxFileSize: '100B' });
  assert.deepEqual(
    result.errors.map(({ message }) => message.replaceAll(`${paths.rootfs}/`, '')),
    ['folder.prom: not a regular file', 'large.prom: larger than 100 bytes', 'pipe.prom: not a regular file'],
  );
});

test('bounds are written as in Go', () => {
  for (const [written, printed] of [
    ['0.10', '0.1'],
    ['1.0', '1'],
    ['0', '0'],
    ['999999', '999999'],
    ['1000000', '1e+06'],
    ['0.0001', '0.0001'],
    ['0.00001', '1e-05'],
    ['-2500000', '-2.5e+06'],
    ['inf', '+Inf'],
    ['+Inf', '+Inf'],
    ['-Inf', '-Inf'],
  ] as const) {
    assert.equal(boundText(written), printed);
  }
});

test('links are followed only within the directory, unless allowed', async (t) => {
  const paths = hostTree(t, {
    'texts/real.prom': 'a 1\n',
    'data/secret': 'token hunter2\n',
    'data/other.prom': 'b 1\n',
  });
  const directory = join(paths.rootfs, 'texts');
  symlinkSync('real.prom', join(directory, 'inside.link'));
  mkdirSync(join(directory, '..data'));
  writeFileSync(join(directory, '..data', 'c.prom'), 'c 1\n');
  symlinkSync('..data/c.prom', join(directory, 'mounted.prom'));
  symlinkSync(join(paths.rootfs, 'data', 'other.prom'), join(directory, 'outside.prom'));
  symlinkSync('../data/secret', join(directory, 'relative.prom'));
  symlinkSync('/nowhere', join(directory, 'dangling.prom'));
  const read = async (options: object) => {
    const { lines, result } = await collectOnce(textfile, paths, options);
    const losses = result.errors.map(({ message }) => message.replaceAll(`${directory}/`, ''));
    return { names: lines.filter((line) => !line.startsWith('node_')), losses };
  };
  const strict = await read({ directory });
  assert.deepEqual(strict.names, ['a 1', 'c 1']);
  assert.deepEqual(
    strict.losses.filter((loss) => loss.includes('points outside its folder')).length,
    2,
    strict.losses.join('\n'),
  );
  const allowed = await read({ directory, followLinks: true });
  assert.deepEqual(allowed.names, ['a 1', 'b 1', 'c 1']);
  const alias = join(paths.rootfs, 'alias');
  symlinkSync('texts', alias);
  assert.deepEqual((await read({ directory: alias })).names, ['a 1', 'c 1'], 'the folder itself may be a link');
});

test('messages never contain the contents of a file', async (t) => {
  for (const line of [
    'root:$6$hunter2:19000:0:99999:7:::',
    'password: hunter2',
    '{"auths": "hunter2"}',
    'a{token="hunter2',
    'a{b="\\hunter2"} 1',
    'a{hunter2="x",hunter2="y"} 1',
    'a 1 hunter2',
    'a 1 2 hunter2',
    '# TYPE a hunter2',
    '# HELP hunter2- a',
    '-----BEGIN hunter2 KEY-----',
  ]) {
    const { losses } = await collect(t, { 'texts/a.prom': `${line}\n` });
    assert.equal(losses.length, 1, line);
    assert.doesNotMatch(losses.join(), /hunter2/);
    assert.match(losses.join(), /^a\.prom: line 1: /);
  }
});

test('for a hard link to a file that only root can read, messages contain at most a metric name', async (t) => {
  for (const text of [
    'password hunter2\n',
    'a{token="hunter2"} 1\na{token="hunter2"} 1\n',
    'a{token="hunter2"} 1\nb{token="hunter2\n',
    '# TYPE a counter\n# TYPE a gauge\na{token="hunter2"} 1\n',
    '# HELP a hunter2\n# HELP a hunter3\na 1\n',
    'a{token="hunter2"} hunter3\n',
    'a{token="hunter2"} 1',
  ]) {
    const paths = hostTree(t, { 'root/secret': text, 'texts/other.prom': '# HELP a Other.\n# TYPE a gauge\na 2\n' });
    const directory = join(paths.rootfs, 'texts');
    chmodSync(join(paths.rootfs, 'root/secret'), 0o600);
    linkSync(join(paths.rootfs, 'root/secret'), join(directory, 'link.prom'));
    const { result } = await collectOnce(textfile, paths, { directory });
    const messages = result.errors.map(({ message }) => message).join('\n');
    assert.match(messages, /link\.prom/, text);
    assert.doesNotMatch(messages, /hunter/, text);
  }
});

test('quoted names are converted to names that all receivers accept', async (t) => {
  const text =
    '# HELP "my.metric" Some \\\\ text.\n# TYPE "my.metric" gauge\n{"my.metric", "label.name"="x",plain="y"} 1\n' +
    '# TYPE "größe.h" histogram\n{"größe.h_bucket",le="1"} 2\n{"größe.h_count"} 3\n{"größe.h_sum"} 4\n' +
    '{"plain"} 5\nbare{"a:b"="1"} 6\n{ "1st" , } 7\n{"with blank"} 8\n';
  const { lines, losses, snapshot } = await collect(t, { 'texts/a.prom': text });
  assert.deepEqual(losses, []);
  assert.deepEqual(lines, [
    '_st 7',
    'bare{a_b="1"} 6',
    'gr__e_h_bucket{le="+Inf"} 3',
    'gr__e_h_bucket{le="1"} 2',
    'gr__e_h_count 3',
    'gr__e_h_sum 4',
    'my_metric{label_name="x",plain="y"} 1',
    'plain 5',
    'with_blank 8',
  ]);
  assert.equal(snapshot.families.get('my_metric')?.help, 'Some \\ text.');
});

for (const [what, text, loss] of [
  ['two names that become equal', '{"a.b"} 1\na_b 2\n', /^bad\.prom: "a_b" and "a\.b" both map to a_b/],
  ['two labels that become equal', 'a{"b.c"="1",b_c="2"} 1\n', /^bad\.prom: a has two labels that both map to b_c/],
  ['a label that becomes a reserved one', 'a{"..b"="1"} 1\n', /^bad\.prom: a has the reserved label __b/],
  ['an empty name', '{""} 1\n', /^bad\.prom: line 1: the metric name is empty/],
  ['two names in a line', '{"a","b"} 1\n', /^bad\.prom: line 1: expected "="/],
  ['no closing quote', '{"a} 1\n', /^bad\.prom: line 1: a metric name has no closing quote/],
] as const) {
  test(`quoted names: a file with ${what} loses only itself`, async (t) => {
    const { lines, losses, failed } = await collect(t, { 'texts/bad.prom': text, 'texts/good.prom': 'good 1\n' });
    assert.deepEqual([lines, failed], [['good 1'], true]);
    assert.match(losses.join('\n'), loss);
  });
}

test('names in two files that convert to the same name lose the later one', async (t) => {
  const { lines, losses } = await collect(t, { 'texts/a.prom': '{"a.b"} 1\n', 'texts/b.prom': '{"a-b",x="1"} 2\n' });
  assert.deepEqual(lines, ['a_b 1']);
  assert.match(losses.join('\n'), /^b\.prom: "a-b" maps to a_b, as does "a\.b" of .*a\.prom/);
});

test('metric objects are reused across cycles until their metadata changes', async (t) => {
  const paths = hostTree(t, { 'texts/a.prom': '# TYPE a gauge\na 1\nb 2\n' });
  const directory = join(paths.rootfs, 'texts');
  const producer = bindCollector(
    'node',
    textfile,
    { host: new Host(paths), now: () => 0 },
    textfile.options.parse({ directory }),
  );
  const cycle = async (previous?: Snapshot) => {
    const out = new Snapshot(previous);
    await producer.collect(out, AbortSignal.timeout(60_000));
    return out;
  };
  const first = await cycle();
  const second = await cycle(first);
  assert.equal(second.series, first.series);
  writeFileSync(join(directory, 'a.prom'), '# TYPE a counter\na 1\nb 2\n');
  const third = await cycle(second);
  assert.notEqual(third.series, second.series);
  assert.equal(third.families.get('a')?.type, 'counter');
  assert.equal(third.families.get('b'), first.families.get('b'));
});
