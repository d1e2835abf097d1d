import { MalformedFile } from '../../host/errors.ts';
import { words } from '../../host/lines.ts';
import { integer } from '../../host/numbers.ts';

/** An array of /proc/mdstat. */
export interface MdArray {
  readonly device: string;
  /** The word of the file, or what the array does at the moment. */
  readonly state: string;
  readonly active: number;
  readonly failed: number;
  readonly spare: number;
  readonly required: number;
  /** Of 1024 bytes. */
  readonly blocks: number;
  readonly synced: number;
}

/** What an array does at the moment, by the word of its progress line. */
const ACTIVITIES: readonly (readonly [word: string, state: string])[] = [
  ['recovery', 'recovering'],
  ['reshape', 'reshaping'],
  ['check', 'check'],
  ['resync', 'resync'],
];

/**
 * The arrays of /proc/mdstat: each a line `md0 : active raid1 sdb1[1] sda1[0](F)`, followed by indented lines: one with
 * its size and disks, perhaps one with its bitmap and one with the progress of what it does. Throws MalformedFile.
 */
export function parseMdstat(path: string, text: string): MdArray[] {
  const arrays: MdArray[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (!/^\w\S* : /.test(line) || line.startsWith('Personalities')) continue;
    try {
      arrays.push(arrayOf(line, lines.slice(index + 1, index + 4)));
    } catch (cause) {
      throw new MalformedFile(path, index + 1, cause instanceof Error ? cause.message : String(cause));
    }
  }
  return arrays;
}

function arrayOf(line: string, [status = '', second = '', third = '']: readonly string[]): MdArray {
  const [device = '', , word = ''] = words(line);
  const blocks = integer(words(status)[0]);
  const [required, active] = diskCounts(line, status);
  const progress = second.includes('bitmap') ? third : second;
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

/** How many disks the array is made for, and how many of them work. */
function diskCounts(line: string, status: string): readonly [required: number, active: number] {
  // Without redundancy the status tells no counts: the array works with all its disks or not at all.
  if (/raid0|linear/.test(line)) {
    const all = line.split('[').length - 1;
    return [all, all];
  }
  if (line.includes('inactive')) return [0, 0];
  const counts = /\[(\d+)\/(\d+)\] \[[U_]+\]/.exec(status);
  if (!counts) throw new Error('expected the counts of disks, such as [2/1], on the next line');
  return [Number(counts[1]), Number(counts[2])];
}

/** `[=>....]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec`, or `resync=DELAYED`. */
function syncedBlocks(progress: string): number {
  if (/PENDING|DELAYED/.test(progress)) return 0;
  return integer(/\((\d+)\/\d+\)/.exec(progress)?.[1]);
}
