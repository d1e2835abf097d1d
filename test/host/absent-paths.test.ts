import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MissingFile } from '../../src/host/errors.ts';
import { Host } from '../../src/host/host.ts';
import { DEFAULT_PATHS } from '../../src/host/paths.ts';

test('a missing file or folder is detected as soon as it exists, and is missing again when it is removed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-absent-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const host = new Host(DEFAULT_PATHS);
  const file = join(folder, 'a/b');
  for (let round = 0; round < 3; round++) {
    assert.throws(() => host.read(file), MissingFile);
    assert.equal(host.readIfExists(file), undefined);
    assert.equal(host.attribute(file), undefined);
    assert.throws(() => host.list(join(folder, 'a')), MissingFile);
    assert.deepEqual(host.listIfExists(join(folder, 'a')), []);
    assert.deepEqual(host.foldersIfExists(join(folder, 'a')), []);
  }
  mkdirSync(join(folder, 'a/c'), { recursive: true });
  writeFileSync(file, ' 7\n');
  assert.equal(host.read(file), ' 7\n');
  assert.equal(host.attribute(file), '7');
  assert.deepEqual(host.list(join(folder, 'a')), ['b', 'c']);
  assert.deepEqual(host.foldersIfExists(join(folder, 'a')), ['c']);
  rmSync(join(folder, 'a'), { recursive: true });
  assert.throws(() => host.read(file), MissingFile);
  assert.deepEqual(host.listIfExists(join(folder, 'a')), []);
});

test('thousands of missing paths are checked without caching all of them', () => {
  const host = new Host(DEFAULT_PATHS);
  for (let index = 0; index < 5000; index++) assert.equal(host.readIfExists(`/proc/x${index}`), undefined);
  assert.notEqual(host.readIfExists('/proc/loadavg'), undefined);
});
