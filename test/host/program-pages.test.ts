import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { programMappings } from '../../src/host/program-pages.ts';

test('only larger private file mappings that are not writable count as the program', () => {
  const maps = [
    '00400000-00480000 r--p 00000000 08:01 42    /usr/bin/node',
    '00480000-00500000 r-xp 00080000 08:01 42    /usr/bin/node',
    '00500000-00502000 r--p 00100000 08:01 42    /usr/bin/node',
    '00600000-00680000 rw-p 00200000 08:01 42    /usr/bin/node',
    '00700000-00780000 r--s 00000000 08:01 43    /shared',
    '7f0000000000-7f0000080000 r-xp 00000000 00:00 0 ',
    '7ffc00000000-7ffc00080000 r-xp 00000000 00:00 0    [vdso]',
    '',
  ].join('\n');
  assert.deepEqual(programMappings(maps), [
    {
      line: '00400000-00480000 r--p 00000000 08:01 42    /usr/bin/node',
      start: 0x400000,
      bytes: 0x80000,
      isCode: false,
    },
    {
      line: '00480000-00500000 r-xp 00080000 08:01 42    /usr/bin/node',
      start: 0x480000,
      bytes: 0x80000,
      isCode: true,
    },
  ]);
});

/** Runs a script in which `pages` and `fileKib` are defined, and returns what it prints. */
function runScript(script: string): Record<string, number> {
  const source = JSON.stringify(new URL('../../src/host/program-pages.ts', import.meta.url).href);
  const all = `
    import { readFileSync } from 'node:fs';
    import { request } from 'node:http';
    import { gunzipSync, gzipSync } from 'node:zlib';
    import { ProgramPages } from ${source};
    const fileKib = () => Number(/RssFile:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1]);
    const work = () => {
      const text = 'x'.repeat(1e6);
      if (gunzipSync(gzipSync(text)).toString() !== text || typeof request !== 'function') throw new Error('damaged');
      return new Promise((resolve) => setTimeout(resolve, 5));
    };
    const pages = new ProgramPages();
    ${script}`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', all];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' }));
}

test('a process that releases its program uses less memory and continues to work', { timeout: 120_000 }, () => {
  const { before, after } = runScript(`
    const before = fileKib();
    await pages.releaseAll();
    const after = fileKib();
    await work();
    console.log(JSON.stringify({ before, after }));`) as { before: number; after: number };
  assert.ok(after < before / 2, `${before} KiB of files before, ${after} after`);
});

test('later it uses less memory than what it works with brings back, and continues to work', {
  timeout: 120_000,
}, () => {
  const { before, after, passes } = runScript(`
    await pages.releaseAll();
    for (let i = 0; i < 5; i++) await work();
    const before = fileKib();
    let passes = 0;
    for (; passes < 30 && !pages.areKnown; passes++) {
      await pages.releaseUnused();
      await work();
    }
    await pages.releaseUnused();
    const after = fileKib();
    await work();
    console.log(JSON.stringify({ before, after, passes }));`) as { before: number; after: number; passes: number };
  assert.equal(passes, 5);
  assert.ok(after < before * 0.9, `${before} KiB of files before, ${after} after`);
});

test('a page of the program that the process has changed keeps its content', { timeout: 120_000 }, () => {
  const { kept } = runScript(`
    const ffi = process.getBuiltinModule('node:ffi');
    const { functions, lib } = ffi.dlopen(null, {
      mprotect: { arguments: ['uint64', 'uint64', 'int32'], return: 'int32' },
      memset: { arguments: ['uint64', 'int32', 'uint64'], return: 'pointer' },
    });
    const header = Number.parseInt(readFileSync('/proc/self/maps', 'latin1'), 16); // the program is the first mapping
    const padding = BigInt(header + 9);
    for (const [writable, write] of [[3, true], [1, false]]) {
      if (functions.mprotect(BigInt(header), 4096n, writable) !== 0) throw new Error('mprotect');
      if (write) functions.memset(padding, 7, 1n);
    }
    await pages.releaseAll();
    for (let i = 0; i < 10; i++) await pages.releaseUnused();
    console.log(JSON.stringify({ kept: ffi.getUint8(padding) }));`);
  assert.equal(kept, 7);
});
