import { setFlagsFromString } from 'node:v8';
import { releaseProgramPages } from '../host/program-pages.ts';
import type { Log } from '../log.ts';

/**
 * When pages of the program are given back: when the first cycles have run and what only the start needed is not needed
 * any more, and once the slow reads and the checks of each minute have run, too.
 */
const RELEASES_MS = [20_000, 90_000];

/**
 * Makes this process take less memory, now and in a while. `followsCluster` is for state agents, which have much to
 * do at once and set V8 up themselves.
 */
export function saveMemory(followsCluster: boolean, log: Log): void {
  // A node agent works for a tenth of a second every 15 s. What V8's last compiler makes faster there does not make up
  // for what it takes: 7 MB of code and of pages of the compiler itself. The compilers before it stay.
  if (!followsCluster) setFlagsFromString('--no-opt');
  for (const delayMs of RELEASES_MS) setTimeout(() => release(log), delayMs).unref();
}

function release(log: Log): void {
  try {
    releaseProgramPages();
  } catch (cause) {
    log.debug({ err: cause }, 'the pages of the program that only the start needed stay in memory');
  }
}
