// /proc/slabinfo: slabinfo(5). Readable by root only; absent without CONFIG_SLUB_DEBUG.

import * as z from 'zod';
import { zip } from '../../base/zip.ts';
import { pattern } from '../../config/units.ts';
import { eachRecord } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';

/** Families of the columns after the name. */
const COLUMNS = [
  gauge('node_slabinfo_active_objects', 'Objects in use.', ['slab']),
  gauge('node_slabinfo_objects', 'Allocated objects.', ['slab']),
  gauge('node_slabinfo_object_size_bytes', 'Size of an object.', ['slab']),
  gauge('node_slabinfo_objects_per_slab', 'Objects per slab.', ['slab']),
  gauge('node_slabinfo_pages_per_slab', 'Pages per slab.', ['slab']),
];

/** Names of drivers may contain blanks, so the numbers are located before the first colon. */
const ROW = /^(\S|\S.*?\S) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) *(?::|$)/;

const options = z.strictObject({
  slabsInclude: pattern().prefault('.*').describe('Include only slabs whose name matches.'),
  slabsExclude: pattern().optional().describe('Exclude slabs whose name matches.'),
});

/** Memory of the kernel's own objects. */
export const slabinfo = defineCollector({
  name: 'slabinfo',
  enabled: false,
  summary: "Memory of the kernel's objects by slab, from `/proc/slabinfo`.",
  options,
  whenEmpty: 'no slabs match the options',
  families: COLUMNS,
  create({ host }, { slabsInclude, slabsExclude }) {
    const path = host.proc('slabinfo');
    return (out) => {
      eachRecord(out, path, host.read(path), (line) => {
        if (line.startsWith('#') || line.startsWith('slabinfo - version')) return;
        const [, slab, ...columns] = ROW.exec(line) ?? [];
        if (slab === undefined) throw new Error(`expected the name of a slab and ${COLUMNS.length} numbers`);
        if (!slabsInclude.test(slab) || slabsExclude?.test(slab)) return;
        const values = columns.map(count);
        for (const [family, value] of zip(COLUMNS, values)) out.add(family, value, slab);
      });
    };
  },
});
