/** Longest text that is remembered, in bytes. */
const ROOM = 256;
const BEGIN =
  'firesteel: fatal: the event loop is blocked; unless it recovers at once, this process is killed (docs/operations.md); last started: ';
const PLACE = 100;

/**
 * A C string with the last operation that this process started, to be read when our code can no longer run
 * (`host/watchdog.ts`). Its address never changes.
 */
export const lastOperation: Buffer = Buffer.alloc(ROOM);
lastOperation.write(`${BEGIN}start\0`, 'latin1');

/**
 * Records the operation being started: `node/cpu`, `encode ksm`. It may be used as a printf format, so it contains no
 * `%`.
 */
export function begin(place: string): void {
  const end = lastOperation.write(place.includes('%') ? 'unknown' : place, BEGIN.length, PLACE, 'latin1');
  lastOperation[BEGIN.length + end] = 0;
}
