import { errorText } from '../../base/error-text.ts';
import { MalformedFile } from '../../host/errors.ts';
import { filled, type Losses, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';

/** An array of /proc/mdstat. */
interface MdArray {
  readonly device: string;
  /** The state in the file, or the current operation of the array. */
  readonly state: string;
  readonly active: number;
  readonly failed: number;
  readonly spare: number;
  readonly required: number;
  /** Of 1024 bytes; undefined for an array whose size the kernel does not print. */
  readonly blocks: number | undefined;
  readonly synced: number | undefined;
}

/** The current operation of an array, by the keyword of its progress line. */
const ACTIVITIES: readonly (readonly [word: string, state: string])[] = [
  ['recovery', 'recovering'],
  ['reshape', 'reshaping'],
  ['check', 'check'],
  ['resync', 'resync'],
];

/**
 * The arrays of /proc/mdstat: each is a line `md0 : active raid1 sdb1[1] sda1[0](F)`, followed by indented lines: one
 * with its size and disks, perhaps one with its bitmap and one with the progress of its operation. An array that cannot
 * be parsed is dropped alone. Throws an Error for a file without text.
 */
export function parseMdstat(lost: Losses, path: string, text: string): MdArray[] {
  const arrays = new Map<string, MdArray>();
  const lines = filled(path, text).split('\n');
  for (const [index, line] of lines.entries()) {
    if (!/^\S+ ?:/.test(line) || /^(?:Personalities|unused devices|read_ahead)/.test(line)) continue;
    try {
      const end = lines.findIndex((other, at) => at > index && !/^\s+\S/.test(other));
      const array = arrayOf(line, lines.slice(index + 1, end === -1 ? lines.length : end));
      if (arrays.has(array.device)) throw new Error(`${array.device} is listed twice`);
      arrays.set(array.device, array);
    } catch (cause) {
      lost.lose(path, new MalformedFile(path, index + 1, errorText(cause)));
    }
  }
  return [...arrays.values()];
}

/** `details` are the indented lines below the array's own. */
function arrayOf(line: string, details: readonly string[]): MdArray {
  const [device = '', colon, word = ''] = words(line);
  if (colon !== ':' || !/^\w/.test(word)) throw new Error('expected an array and its state, such as "md0 : active"');
  const status = details.find((detail) => / blocks/.test(detail)) ?? '';
  const blocks = status === '' ? undefined : count(words(status)[0]);
  const [required, active] = diskCounts(line, status);
  const progress =
    details.find((detail) => /^\s+(?:\[[=>.]+\]|(?:recovery|reshape|check|resync)\s*=)/.test(detail)) ?? '';
  const [activity, state] = ACTIVITIES.find(([name]) => progress.includes(name)) ?? [undefined, word];
  return {
    device,
    state,
    active,
    failed: line.split('(F)').length - 1,
    spare: line.split('(S)').length - 1,
    required,
    blocks,
    synced: activity === undefined ? blocks : syncedBlocks(progress),
  };
}

/** Number of required and of active disks. */
function diskCounts(line: string, status: string): readonly [required: number, active: number] {
  // Without redundancy the status has no counts: the array works with all its disks or not at all.
  if (/raid0|linear/.test(line)) {
    const all = line.split('[').length - 1;
    return [all, all];
  }
  if (line.includes('inactive')) return [0, 0];
  // A new array has them on its own line, and no size yet.
  const counts = /\[(\d+)\/(\d+)\] \[[U_]+\]/.exec(status) ?? /\[(\d+)\/(\d+)\] \[[U_]+\]/.exec(line);
  if (counts) return [count(counts[1]), count(counts[2])];
  // Personalities without redundancy print no counts, such as faulty and external containers.
  if (status !== '' && !/\braid\d|\bmultipath\b/.test(line)) {
    const all = line.split('[').length - 1;
    return [all, all];
  }
  throw new Error('expected the counts of disks, such as [2/1], on the next line');
}

/** `[=>....]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec`, or `resync=DELAYED`. */
function syncedBlocks(progress: string): number {
  if (/PENDING|DELAYED|REMOTE/.test(progress)) return 0;
  return count(/\((\d+)\/\d+\)/.exec(progress)?.[1]);
}
