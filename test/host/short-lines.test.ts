import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Host } from '../../src/host/host.ts';
import { DEFAULT_PATHS } from '../../src/host/paths.ts';

const host = new Host(DEFAULT_PATHS);
const keys = (text: string | undefined) => text?.split('\n').map((line) => line.split(' ')[0]);

test('files of short lines are read to their end, whether the kernel returns them in one piece or in many', () => {
  for (const name of ['net/dev', 'vmstat', 'modules', 'self/limits', 'diskstats']) {
    const path = `/proc/${name}`;
    let expected: string;
    try {
      expected = readFileSync(path, 'latin1');
    } catch {
      continue;
    }
    assert.equal(keys(host.readLinesIfExists(path))?.length, keys(expected)?.length, name);
  }
});

test('files of numbers are read by the byte, and grow beyond any buffer', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'numbers');
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 256));
  writeFileSync(path, bytes);
  assert.equal(host.readNumbers(path), bytes.toString('latin1'));
});
