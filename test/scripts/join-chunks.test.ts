import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joined } from '../../scripts/join-chunks.ts';

/** A file of a bundle with its static and dynamic imports. */
const output = (imports: readonly string[], dynamic: readonly string[] = [], entryPoint?: string) => ({
  bytes: 1,
  inputs: {},
  exports: [],
  ...(entryPoint !== undefined && { entryPoint }),
  imports: [
    ...imports.map((path) => ({ path, kind: 'import-statement' as const })),
    ...dynamic.map((path) => ({ path, kind: 'dynamic-import' as const })),
  ],
});

const OUTPUTS = {
  'main.mjs': output(['base.mjs'], ['agent.mjs', 'other.mjs'], 'src/main.ts'),
  'agent.mjs': output(['metrics.mjs', 'base.mjs'], [], 'src/agent.ts'),
  'check.mjs': output(['schema.mjs'], [], 'src/check.ts'),
  'other.mjs': output(['unshared.mjs', 'base.mjs'], [], 'src/other.ts'),
  'base.mjs': output(['clock.mjs', 'node:fs']),
  'clock.mjs': output([]),
  'metrics.mjs': output(['names.mjs']),
  'schema.mjs': output(['names.mjs']),
  'names.mjs': output([]),
  'unshared.mjs': output([]),
};

test('chunks that are loaded by the same starts are one file; entry points and other chunks stay', () => {
  const starts = { program: ['src/main.ts'], node: ['src/agent.ts'], settings: ['src/check.ts'] };
  assert.deepEqual(Object.fromEntries(joined(OUTPUTS, starts)), {
    'program-and-node': ['base.mjs', 'clock.mjs'],
    node: ['metrics.mjs'],
    'node-and-settings': ['names.mjs'],
    settings: ['schema.mjs'],
  });
});

test('a start that follows another shares no file of its own with it', () => {
  const starts = { node: ['src/agent.ts'], settings: ['src/check.ts'], host: ['src/other.ts'] };
  assert.deepEqual(Object.fromEntries(joined(OUTPUTS, starts, { host: 'node' })), {
    node: ['metrics.mjs', 'base.mjs', 'clock.mjs'],
    'node-and-settings': ['names.mjs'],
    settings: ['schema.mjs'],
    host: ['unshared.mjs'],
  });
});

test('a start that is not an entry point is an error', () => {
  assert.throws(() => joined(OUTPUTS, { node: ['src/gone.ts'] }), /src\/gone.ts is not an entry point/);
});
