// /proc/buddyinfo: proc_buddyinfo(5). Present on every Linux host.
import { MalformedFile } from '../../host/errors.ts';
import { eachRecord, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const blocks = gauge('node_buddyinfo_blocks', 'Free blocks of 2^size pages.', ['node', 'zone', 'size']);

/** How much of the free memory is in large pieces. */
export const buddyinfo = defineCollector({
  name: 'buddyinfo',
  enabled: false,
  summary: 'Free blocks of memory by zone and size, from `/proc/buddyinfo`.',
  options: NO_OPTIONS,
  families: [blocks],
  create({ host }) {
    const path = host.proc('buddyinfo');
    return (out) => {
      const zones: { number: number; node: string; zone: string; counts: number[] }[] = [];
      eachRecord(out, path, host.read(path), (line, number) => {
        const [, node, zone, rest] = /^Node +(\d+), zone +(\S+) (.*)$/.exec(line) ?? [];
        if (node === undefined || zone === undefined) throw new Error('expected Node <number>, zone <name>');
        zones.push({ number, node, zone, counts: words(rest ?? '').map(count) });
      });
      // All zones have the same sizes, those of the kernel; a line of another length is corrupt.
      const sizes = mostCommon(zones.map(({ counts }) => counts.length));
      for (const { number, node, zone, counts } of zones) {
        if (counts.length === sizes) {
          for (const [size, count] of counts.entries()) out.add(blocks, count, node, zone, String(size));
        } else out.lose(path, new MalformedFile(path, number, `expected ${sizes} sizes, found ${counts.length}`));
      }
    };
  },
});

/** The first of the most frequent numbers; undefined without any. */
function mostCommon(numbers: readonly number[]): number | undefined {
  const times = (wanted: number) => numbers.filter((number) => number === wanted).length;
  return numbers.toSorted((one, other) => times(other) - times(one))[0];
}
