import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

const FILE = new URL('../../src/host/second-signal.ts', import.meta.url).href;

/** Ends at the first SIGTERM because nothing keeps its event loop alive; freeing this much memory takes V8 some milliseconds. */
const PROGRAM = `
import { endAtSecond } from '${FILE}';
globalThis.memory = Array.from({ length: 3000 }, () => new Uint8Array(20_000).fill(1));
const alive = setInterval(() => {}, 1000);
process.on('SIGTERM', () => clearInterval(alive));
endAtSecond([15], 1);
console.log('ready');
`;

const RUNS = 12;
/** The second signal arrives at most this long after the first. */
const APART_MS = 12;

test('a second signal while the process is ending does not crash it', { timeout: 120_000 }, async () => {
  for (let run = 0; run < RUNS; run++) {
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', PROGRAM];
    const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    await Promise.race([once(child.stdout, 'data'), ended]);
    child.kill('SIGTERM');
    await setTimeout((APART_MS * run) / RUNS);
    child.kill('SIGTERM');
    const [code, signal] = await ended;
    assert.equal(signal, null);
    assert.ok(code === 0 || code === 1, `exit code ${code}`);
  }
});
