import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { medians, peakWithChildren } from '../../bench/kit/memory-figures.ts';
import { memoryMib } from '../../bench/kit/processes.ts';

test('each figure has its own median', () => {
  const runs = [
    { rss: 60, anon: 38, peak: 90, peakWithChildren: 91, cpu: 50 },
    { rss: 58, anon: 40, peak: 70, peakWithChildren: 99, cpu: 80 },
    { rss: 59, anon: 39, peak: 80, peakWithChildren: 95, cpu: 46 },
  ];
  assert.deepEqual(medians(runs), { rss: 59, anon: 39, peak: 80, peakWithChildren: 95, cpu: 50 });
  assert.deepEqual(medians(runs.slice(0, 1)), runs[0]);
});

test('the peak of a process includes a child that overlaps, also one that has ended since', async (t) => {
  const child = 'const bytes = Buffer.alloc(200 * 2 ** 20, 1); setTimeout(() => bytes, 1000)';
  const parent = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}]).on('exit', () => console.log('ended')); setInterval(() => {}, 1000)`;
  const started = spawn(process.execPath, ['-e', parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => started.kill('SIGKILL'));
  await once(started, 'spawn');
  const pid = started.pid as number;
  const [peak] = await Promise.all([peakWithChildren(pid), once(started.stdout, 'data')]);
  const alone = memoryMib(pid).peak;
  assert.ok(peak > alone + 150, `${peak} MiB, alone ${alone}`);
});

test('the peak of a process that has ended is 0', async () => {
  const ended = spawn('true');
  await once(ended, 'exit');
  assert.equal(await peakWithChildren(ended.pid as number, 50), 0);
});
