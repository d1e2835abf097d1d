import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SecretFile } from '../../src/config/secret-file.ts';
import { scratchFolder } from '../kit/host-tree.ts';

test('a changed secret is read again', (t) => {
  const path = join(scratchFolder(t), 'token');
  const secret = new SecretFile(path);
  writeFileSync(path, 'first\n');
  assert.equal(secret.read(), 'first');
  writeFileSync(path, 'other\n');
  utimesSync(path, 1, 1);
  assert.equal(secret.read(), 'other');
});

test('errors name the file, never the content', (t) => {
  const path = join(scratchFolder(t), 'token');
  assert.throws(() => new SecretFile(path).read(), { message: `cannot read the secret file ${path}: ENOENT` });
  writeFileSync(path, '\n');
  assert.throws(() => new SecretFile(path).read(), { message: `the secret file ${path} is empty` });
  for (const text of ['s3cret\nb', 's3cret\0', '\x1bs3cret', 's3cret\x7f']) {
    writeFileSync(path, text);
    assert.throws(() => new SecretFile(path).read(), {
      message: `the secret file ${path} has more than one line of text`,
    });
  }
  writeFileSync(path, 's3cret'.repeat(20_000));
  assert.throws(
    () => new SecretFile(path).read(),
    (cause: Error) => cause.message.includes('larger than') && !cause.message.includes('s3cret'),
  );
});
