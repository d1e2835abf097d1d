/** Longest text that is remembered, in bytes. */
const ROOM = 256;
const BEGIN =
  'firesteel: fatal: the event loop is blocked; unless it recovers at once, this process is killed (docs/operations.md); last started: ';
const PLACE = 100;

/**
 * A C string with what this process began last, for whoever reads it when no code of ours can run any more
 * (`host/watchdog.ts`). It never moves.
 */
export const lastGasp: Buffer = Buffer.alloc(ROOM);
lastGasp.write(`${BEGIN}start\0`, 'latin1');

/** Remembers what is being begun: `node/cpu`, `encode ksm`. It may be used as a format of printf, so it has no `%`. */
export function begin(place: string): void {
  const end = lastGasp.write(place.includes('%') ? 'unknown' : place, BEGIN.length, PLACE, 'latin1');
  lastGasp[BEGIN.length + end] = 0;
}
