// /proc/zoneinfo: proc_zoneinfo(5); the names are in mm/vmstat.c. Present on every Linux host.
import { zip } from '../../base/zip.ts';
import { eachRecord, type Losses, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const LABELS = ['node', 'zone'];
const pages = (line: string, metric: string, help: string): [string, Family] => [
  line,
  gauge(`node_zoneinfo_${metric}`, help, LABELS),
];
const total = (line: string, help: string): [string, Family] => [
  line,
  counter(`node_zoneinfo_${line}_total`, help, LABELS),
];

/** Families by the first word of their line. Those of the whole node are in the block of its first zone. */
const LINES: ReadonlyMap<string, Family> = new Map([
  pages('nr_free_pages', 'nr_free_pages', 'Free pages in the zone.'),
  pages('min', 'min_pages', 'Pages reserved for the most urgent allocations (watermark min).'),
  pages('low', 'low_pages', 'Number of free pages below which kswapd starts.'),
  pages('high', 'high_pages', 'Number of free pages above which kswapd stops.'),
  pages('scanned', 'scanned_pages', 'Pages scanned since any were last freed.'),
  pages('spanned', 'spanned_pages', 'Pages spanned by the zone, including holes.'),
  pages('present', 'present_pages', 'Pages present in the zone.'),
  pages('managed', 'managed_pages', 'Pages managed by the allocator.'),
  pages('nr_active_anon', 'nr_active_anon_pages', 'Active anonymous pages.'),
  pages('nr_inactive_anon', 'nr_inactive_anon_pages', 'Inactive anonymous pages.'),
  pages('nr_isolated_anon', 'nr_isolated_anon_pages', 'Isolated anonymous pages.'),
  pages('nr_anon_pages', 'nr_anon_pages', 'Mapped anonymous pages.'),
  pages('nr_anon_transparent_hugepages', 'nr_anon_transparent_hugepages', 'Anonymous transparent huge pages.'),
  pages('nr_active_file', 'nr_active_file_pages', 'Active file pages.'),
  pages('nr_inactive_file', 'nr_inactive_file_pages', 'Inactive file pages.'),
  pages('nr_isolated_file', 'nr_isolated_file_pages', 'Isolated file pages.'),
  pages('nr_file_pages', 'nr_file_pages', 'Pages of the page cache.'),
  pages('nr_mapped', 'nr_mapped_pages', 'File pages mapped by processes.'),
  pages('nr_shmem', 'nr_shmem_pages', 'Shared memory pages.'),
  pages('nr_dirty', 'nr_dirty_pages', 'Dirty pages, waiting to be written.'),
  pages('nr_writeback', 'nr_writeback_pages', 'Pages under writeback.'),
  pages('nr_unevictable', 'nr_unevictable_pages', 'Pages that cannot be reclaimed.'),
  pages('nr_mlock_stack', 'nr_mlock_stack_pages', 'Pages locked with mlock and moved off the LRU lists.'),
  pages('nr_kernel_stack', 'nr_kernel_stacks', 'Memory of kernel stacks, in KiB; before Linux 4.8, their number.'),
  pages('nr_slab_reclaimable', 'nr_slab_reclaimable_pages', 'Reclaimable slab pages.'),
  pages('nr_slab_unreclaimable', 'nr_slab_unreclaimable_pages', 'Unreclaimable slab pages.'),
  total('nr_dirtied', 'Pages dirtied since boot.'),
  total('nr_written', 'Pages written since boot.'),
  total('numa_hit', 'Pages allocated on this node as intended.'),
  total('numa_miss', 'Pages allocated here though wanted on another node.'),
  total('numa_foreign', 'Pages wanted here but allocated on another node.'),
  total('numa_interleave', 'Pages allocated here by interleaving.'),
  total('numa_local', 'Pages allocated here by a process that ran here.'),
  total('numa_other', 'Pages allocated here by a process that ran on another node.'),
]);

/** One for each zone that the kernel can have: MAX_NR_ZONES of include/linux/mmzone.h. */
const PROTECTION = Array.from({ length: 6 }, (_, zone) =>
  gauge(`node_zoneinfo_protection_${zone}`, `Pages protected from allocations meant for zone ${zone}.`, LABELS),
);

/** Memory by zone. */
export const zoneinfo = defineCollector({
  name: 'zoneinfo',
  enabled: false,
  summary: 'Memory by zone, in pages, from `/proc/zoneinfo`.',
  options: NO_OPTIONS,
  families: [...LINES.values(), ...PROTECTION],
  create({ host }) {
    const path = host.proc('zoneinfo');
    return (out) => {
      for (const { node, zone, values } of parseZoneinfo(out, path, host.read(path))) {
        for (const [family, value] of values) out.add(family, value, node, zone);
      }
    };
  },
});

/** A block of the file. */
interface Zone {
  readonly node: string;
  readonly zone: string;
  /** If a line occurs twice, the later one counts. */
  readonly values: Map<Family, number>;
}

/** The zones; lines without a family are skipped. */
function parseZoneinfo(lost: Losses, path: string, text: string): Zone[] {
  const zones: Zone[] = [];
  // Undefined after an unreadable header, so that no zone gets the lines of another one.
  let values: Map<Family, number> | undefined;
  eachRecord(lost, path, text, (line) => {
    if (!line.startsWith(' ')) {
      values = undefined;
      const [, node, zone] = /^Node +(\d+), zone +(\S+)/.exec(line) ?? [];
      if (node === undefined || zone === undefined) throw new Error('expected Node <number>, zone <name>');
      values = new Map();
      zones.push({ node, zone, values });
      return;
    }
    const [keyword = '', ...rest] = words(line);
    const family = LINES.get(keyword);
    if (family) values?.set(family, count(rest[0]));
    if (keyword !== 'protection:') return;
    const [, list] = /^\((.*)\)$/.exec(rest.join(' ')) ?? [];
    if (list === undefined) throw new Error('expected numbers in parentheses');
    const numbers = list.split(',').map((number) => count(number.trim()));
    for (const [family, number] of zip(PROTECTION, numbers)) values?.set(family, number);
  });
  return zones;
}
