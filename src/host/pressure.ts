// Files of pressure stall information, /proc/pressure/* and *.pressure of cgroups: Documentation/accounting/psi.rst.
import { MalformedFile } from './errors.ts';
import { eachRecord, type Losses } from './lines.ts';
import { count } from './numbers.ts';

/** Microseconds in which some tasks waited, or all of them; undefined for a line that is absent or malformed. */
interface PressureTotals {
  some: number | undefined;
  full: number | undefined;
}

const TOTAL = ' total=';

/**
 * The totals of lines such as `some avg10=0.00 avg60=0.00 avg300=0.00 total=14036781`. A malformed line is recorded as a
 * loss, as is the absence of `required`, which every kernel has: before Linux 5.13 there is no `full` for the CPU, and
 * interrupts have no `some`.
 */
export function parsePressure(
  lost: Losses,
  path: string,
  text: string,
  required: keyof PressureTotals = 'some',
): PressureTotals {
  const totals: PressureTotals = { some: undefined, full: undefined };
  let lines = 0;
  let valid = 0;
  eachRecord(lost, path, text, (line) => {
    lines++;
    const tasks = line.startsWith('some ') ? 'some' : line.startsWith('full ') ? 'full' : undefined;
    if (tasks === undefined) throw new Error('expected a line of "some" or "full"');
    if (totals[tasks] !== undefined) throw new Error(`"${tasks}" is listed twice`);
    const total = line.indexOf(TOTAL);
    if (total === -1) throw new Error('the line has no total');
    totals[tasks] = count(line.slice(total + TOTAL.length));
    valid++;
  });
  // A malformed line may be the one that is missing; it is already recorded.
  if (lines > 0 && lines === valid && totals[required] === undefined)
    lost.lose(path, new MalformedFile(path, 1, `expected a line "${required}"`));
  return totals;
}
