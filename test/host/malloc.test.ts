import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

test('freed memory is returned to the system, and the process continues to work', { timeout: 120_000 }, () => {
  const script = `
    import { readFileSync } from 'node:fs';
    import { setTimeout } from 'node:timers/promises';
    import { gzipSync } from 'node:zlib';
    import { shareOneArena, trimMalloc } from ${JSON.stringify(new URL('../../src/host/malloc.ts', import.meta.url).href)};
    const anonKib = () => Number(/RssAnon:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1]);
    shareOneArena();
    // Small blocks, the last of which stays, so that the heap of malloc cannot shrink on its own.
    let blocks = Array.from({ length: 300 }, () => new Uint8Array(100_000).fill(1));
    const last = blocks.at(-1);
    blocks = undefined;
    gc();
    await setTimeout(200);
    const before = anonKib();
    trimMalloc();
    console.log(JSON.stringify({ before, after: anonKib(), works: last.length + gzipSync('x'.repeat(1e6)).length > 0 }));`;
  const flags = ['--disable-warning=ExperimentalWarning', '--expose-gc', '--input-type=module', '--eval', script];
  const { before, after, works } = JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' }));
  assert.equal(works, true);
  assert.ok(after <= before, `${before} KiB before, ${after} after`);
});
