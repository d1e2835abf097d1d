import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathOfText, textOfBytes } from '../../src/host/bytes.ts';
import { Host } from '../../src/host/host.ts';
import { escapeLabelValue } from '../../src/metrics/text/format.ts';
import { hostTree } from '../kit/host-tree.ts';

const NAMES: readonly (readonly [bytes: Buffer, label: string])[] = [
  [Buffer.from('café €'), 'café €'],
  [Buffer.from('caf\xe9', 'latin1'), String.raw`caf\\xe9`],
  [Buffer.from('caf\xe8x\xe8', 'latin1'), String.raw`caf\\xe8x\\xe8`],
  // Truncated within a character; an overlong one; a genuine replacement character next to an invalid byte.
  [Buffer.from('a\xe2\x82', 'latin1'), String.raw`a\\xe2\\x82`],
  [Buffer.from('\xc0\xaf', 'latin1'), String.raw`\\xc0\\xaf`],
  [Buffer.concat([Buffer.from('\ufffd'), Buffer.of(0xff)]), String.raw`${'\ufffd'}\\xff`],
  [Buffer.from('\u{1f600}'), '\u{1f600}'],
];

for (const [bytes, label] of NAMES) {
  test(`${label}: bytes become a label, and the same path again`, () => {
    const text = textOfBytes(bytes);
    assert.equal(escapeLabelValue(text), label);
    assert.deepEqual(Buffer.from(pathOfText(text)), bytes);
  });
}

test('other lone surrogates, which come from no file, are replaced in labels', () => {
  assert.equal(escapeLabelValue('a\ud800b'), 'a\ufffdb');
});

test('files whose names are not UTF-8 are listed, read and distinguished', (t) => {
  const { procfs } = hostTree(t, { 'proc/x': '' });
  const host = new Host({ procfs, sysfs: '', rootfs: '', udev: '', cgroup: '' });
  for (const [letter, content] of [
    ['\xe9', 'acute'],
    ['\xe8', 'grave'],
  ] as const) {
    const folder = Buffer.from(`${procfs}/caf${letter}`, 'latin1');
    mkdirSync(folder);
    writeFileSync(Buffer.concat([folder, Buffer.from('/name')]), content);
  }
  const folders = host.foldersIfExists(procfs);
  assert.deepEqual(
    folders.map((folder) => host.read(`${procfs}/${folder}/name`)),
    ['grave', 'acute'],
  );
  assert.equal(host.list(procfs).length, 3);
  assert.ok(folders.every((folder) => host.exists(`${procfs}/${folder}`) && host.links(`${procfs}/${folder}`) === 2));
});
