import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { stepsOf, unchangedFileMappings } from '../../src/host/program-pages.ts';

const mapping = (header: string, anonymousKib: number) =>
  `${header}\nSize: 8 kB\nRss: 8 kB\nAnonymous: ${String(anonymousKib).padStart(10)} kB\nVmFlags: rd mr mw me\n`;

test('only private file mappings that were never written count as the program', () => {
  const smaps = [
    mapping('00400000-00402000 r--p 00000000 08:01 42    /usr/bin/node', 0),
    mapping('00402000-00404000 r-xp 00002000 08:01 42    /usr/bin/node', 0),
    mapping('00404000-00406000 r--p 00004000 08:01 42    /usr/bin/node', 8),
    mapping('00406000-00408000 rw-p 00006000 08:01 42    /usr/bin/node', 0),
    mapping('00500000-00502000 r--s 00000000 08:01 43    /shared', 0),
    mapping('7f0000000000-7f0000002000 r-xp 00000000 00:00 0 ', 0),
    mapping('7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0    [vdso]', 0),
  ].join('');
  assert.deepEqual(unchangedFileMappings(smaps), [
    { line: '00400000-00402000 r--p 00000000 08:01 42    /usr/bin/node', start: 0x400000n, length: 0x2000n },
    { line: '00402000-00404000 r-xp 00002000 08:01 42    /usr/bin/node', start: 0x402000n, length: 0x2000n },
  ]);
});

test('the program is released in steps of 4 MiB that cover all of it once', () => {
  const steps = [...stepsOf({ start: 0x400000n, length: 0x900000n })];
  assert.deepEqual(steps, [
    { start: 0x400000n, length: 0x400000n },
    { start: 0x800000n, length: 0x400000n },
    { start: 0xc00000n, length: 0x100000n },
  ]);
});

test('a process that releases its program uses less memory and continues to work', { timeout: 60_000 }, () => {
  const script = `
    import { readFileSync } from 'node:fs';
    import { request } from 'node:http';
    import { gzipSync } from 'node:zlib';
    import { releaseProgramPages } from ${JSON.stringify(new URL('../../src/host/program-pages.ts', import.meta.url).href)};
    const fileKib = () => Number(/RssFile:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1]);
    const before = fileKib();
    await releaseProgramPages();
    const after = fileKib();
    const works = typeof request === 'function' && gzipSync('x'.repeat(1e6)).length > 0;
    console.log(JSON.stringify({ before, after, works }));`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script];
  const { before, after, works } = JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' }));
  assert.equal(works, true);
  assert.ok(after < before / 2, `${before} KiB of files before, ${after} after`);
});
