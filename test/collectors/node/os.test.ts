import assert from 'node:assert/strict';
import { test } from 'node:test';
import { os } from '../../../src/collectors/node/os.ts';
import { parseOsRelease } from '../../../src/host/os-release.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

const samples = async (...[context, files]: Parameters<typeof hostTree>) => {
  const { lines } = await collectOnce(os, hostTree(context, files));
  return lines.filter((line) => !line.startsWith('node_os_info'));
};

test('/etc/os-release takes precedence over /usr/lib/os-release', async (t) => {
  const files = {
    'etc/os-release': 'ID=fedora\nNAME=Fedora\nVERSION_ID=41\nSUPPORT_END=2025-11-26\n',
    'usr/lib/os-release': 'ID=other\nVERSION_ID=1\n',
  };
  assert.deepEqual(await samples(t, files), [
    'node_os_support_end_timestamp_seconds 1764115200',
    'node_os_version{id="fedora",id_like="",name="Fedora"} 41',
  ]);
});

const VERSIONS: readonly (readonly [id: string, value: string | undefined])[] = [
  ['20.04', '20.04'],
  ['3.17.1', '3.17'],
  ['7.', '7'],
  ['v9', undefined],
  ['0', undefined],
  ['9'.repeat(400), undefined],
  ['""', undefined],
];
for (const [id, value] of VERSIONS) {
  test(`VERSION_ID ${id} is ${value ?? 'not a number'}`, async (t) => {
    const lines = await samples(t, { 'etc/os-release': `VERSION_ID=${id}\n` });
    assert.deepEqual(lines, value === undefined ? [] : [`node_os_version{id="",id_like="",name=""} ${value}`]);
  });
}

test('values are quoted as in a shell', () => {
  const text = ['# comment', '', 'A="a b"', "B='c\"\\d'", 'C="\\"\\$\\n"', 'D=', 'E=e\\ f'].join('\n');
  assert.deepEqual(
    [...parseOsRelease(new Snapshot(), 'os-release', text)],
    [
      ['A', 'a b'],
      ['B', 'c"\\d'],
      ['C', '"$\\n'],
      ['D', ''],
      ['E', 'e f'],
    ],
  );
});

test('without the files there is no data', async (t) => {
  assert.equal((await collectOnce(os, hostTree(t, {}))).result.outcome, 'nodata');
});

for (const [name, text, message] of [
  ['a line that is not an assignment', 'ID=x\nboo\n', /os-release:2: expected KEY=value, found "boo"/],
  ['a quote that is not closed', 'ID="x\n', /os-release:1: no closing quote/],
] as const) {
  test(`${name} is an error that names the line`, async (t) => {
    const { result } = await collectOnce(os, hostTree(t, { 'etc/os-release': text }));
    assert.ok(result.outcome === 'fault' || result.outcome === 'partial');
    assert.match(result.errors[0]?.message ?? '', message);
  });
}

test('an invalid date is skipped, the rest is not', async (t) => {
  const { lines, result } = await collectOnce(os, hostTree(t, { 'etc/os-release': 'SUPPORT_END=2025-02-30\n' }));
  assert.equal(result.outcome, 'partial');
  assert.equal(lines.length, 1);
});
