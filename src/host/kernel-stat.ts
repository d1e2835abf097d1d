// /proc/stat: proc_stat(5). Present on every Linux host.
import { MalformedFile, MissingFile } from './errors.ts';
import type { Host } from './host.ts';
import { eachRecord, type Losses, words } from './lines.ts';
import { count, integer } from './numbers.ts';

/** The intr line continues with one count per interrupt, thousands on large machines; only its total is used. */
const MAX_LINE = 512;

/**
 * The counts of the wanted lines, by their first word, in the file's order; undefined for a line that is malformed,
 * which is recorded as a loss, as is the absence of a wanted `btime`, which every kernel has. The line `softirq` has all
 * its counts, any other its first one.
 */
export function parseKernelStat(
  lost: Losses,
  path: string,
  text: string,
  wanted: { has(keyword: string): boolean },
): Map<string, readonly number[] | undefined> {
  const lines = new Map<string, readonly number[] | undefined>();
  let last = 0;
  eachRecord(lost, path, text, (line, number) => {
    last = number;
    const [keyword = '', ...counts] = words(line.slice(0, MAX_LINE));
    if (!wanted.has(keyword)) return;
    if (lines.has(keyword)) throw new Error(`${keyword} is listed twice`);
    lines.set(keyword, undefined);
    lines.set(keyword, keyword === 'softirq' ? counts.map(count) : [count(counts[0])]);
  });
  if (last > 0 && wanted.has('btime') && !lines.has('btime')) {
    lost.lose(path, new MalformedFile(path, last, 'expected a line "btime" before the end'));
  }
  return lines;
}

const BOOT_TIME = new Set(['btime']);

/**
 * When the host booted, in seconds since 1970; undefined if it cannot be read, which is recorded as a loss. Throws
 * MissingFile without procfs.
 */
export function readBootTime(lost: Losses, host: Host): number | undefined {
  const path = host.proc('stat');
  try {
    return parseKernelStat(lost, path, host.read(path), BOOT_TIME).get('btime')?.[0];
  } catch (cause) {
    if (cause instanceof MissingFile) throw cause;
    lost.lose(path, cause);
    return undefined;
  }
}

/** Columns of a cpu line, in order; those after `steal` are for guests. */
export const CPU_MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'];
/** The columns after {@link CPU_MODES}. */
export const GUEST_MODES = ['user', 'nice'];
const COLUMNS = CPU_MODES.length + GUEST_MODES.length;
/** The column of the idle time. */
export const IDLE = CPU_MODES.indexOf('idle');

/** Longer than any machine runs: such values are printed for negative times, such as 2^64 - 1. */
const IMPOSSIBLE_TICKS = 2 ** 53;

/** Ticks of a CPU by column; undefined for a column that is absent or not a valid time. */
export type Ticks = readonly (number | undefined)[];

/** Ticks by CPU number, as many as a line has columns at most. An invalid column is dropped alone. */
export function parseCpuTicks(lost: Losses, path: string, text: string): Map<string, Ticks> {
  const byCpu = new Map<string, Ticks>();
  eachRecord(lost, path, text, (line, number) => {
    // The line without a number is the sum of the others.
    if (!line.startsWith('cpu') || line.startsWith('cpu ')) return;
    const [name = '', ...columns] = words(line);
    const cpu = String(integer(name.slice('cpu'.length)));
    if (columns.length <= IDLE) throw new Error(`expected at least ${IDLE + 1} times, found ${columns.length}`);
    if (byCpu.has(cpu)) throw new Error(`CPU ${cpu} is listed twice`);
    const ticks = columns.slice(0, COLUMNS).map((column, index) => {
      const value = integer(column);
      if (value >= 0 && value < IMPOSSIBLE_TICKS) return value;
      const mode = CPU_MODES[index] ?? `guest ${GUEST_MODES[index - CPU_MODES.length]}`;
      lost.lose(path, new MalformedFile(path, number, `${value} ticks of ${mode} are not a valid time`));
      return undefined;
    });
    byCpu.set(cpu, ticks);
  });
  return byCpu;
}
