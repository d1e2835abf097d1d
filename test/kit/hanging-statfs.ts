import { writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { waitingThreads } from '../../src/host/statfs.ts';

/** A program for BlockingSpace's threads: a folder whose name contains `hang` responds once it is replaced by a file. */
export const HANGING_PROGRAM = `
const { existsSync } = require('node:fs');
const { parentPort } = require('node:worker_threads');
const never = new Int32Array(new SharedArrayBuffer(4));
parentPort.on('message', (path) => {
  const hanging = /^.*?hang[^/]*/.exec(path)?.[0];
  while (hanging && !existsSync(hanging)) Atomics.wait(never, 0, 0, 1);
  parentPort.postMessage({ bsize: 512, blocks: 10, bfree: 5, bavail: 4, files: 3, ffree: 2 });
});`;

/** Lets the mounts at `paths` respond, and waits until every thread has its result. */
export async function answer(...paths: readonly string[]): Promise<void> {
  for (const path of paths) writeFileSync(path, '');
  while (waitingThreads() > 0) await setImmediate();
}
