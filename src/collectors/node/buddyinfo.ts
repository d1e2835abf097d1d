// /proc/buddyinfo: proc_buddyinfo(5). There on every Linux host.
import { eachLine, words } from '../../host/lines.ts';
import { integer } from '../../host/numbers.ts';
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
      let sizes: number | undefined;
      eachLine(path, host.read(path), (line) => {
        const [, node, zone, rest] = /^Node +(\d+), zone +(\S+) (.*)$/.exec(line) ?? [];
        if (node === undefined || zone === undefined) throw new Error('expected Node <number>, zone <name>');
        const counts = words(rest ?? '').map(integer);
        sizes ??= counts.length;
        if (counts.length !== sizes) throw new Error(`expected ${sizes} sizes, found ${counts.length}`);
        for (const [size, count] of counts.entries()) out.add(blocks, count, node, zone, String(size));
      });
    };
  },
});
