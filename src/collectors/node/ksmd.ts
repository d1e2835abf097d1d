// /sys/kernel/mm/ksm: Documentation/admin-guide/mm/ksm.rst. Absent without CONFIG_KSM.
import { join } from 'node:path';
import { integerAttribute } from '../../host/attributes.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const sleep = gauge('node_ksmd_sleep_seconds', 'How long ksmd sleeps between its rounds.');
const FILES: Readonly<Record<string, Family>> = {
  full_scans: counter('node_ksmd_full_scans_total', 'How often all memory that may be merged was scanned.'),
  general_profit: gauge('node_ksmd_general_profit_bytes', 'Memory saved, less what ksmd itself needs for it.'),
  merge_across_nodes: gauge('node_ksmd_merge_across_nodes', 'Whether pages of different NUMA nodes are merged.'),
  pages_shared: gauge('node_ksmd_pages_shared', 'Shared pages in use.'),
  pages_sharing: gauge('node_ksmd_pages_sharing', 'Pages that share them, which is what was saved.'),
  pages_to_scan: gauge('node_ksmd_pages_to_scan', 'Pages that are scanned in a round.'),
  pages_unshared: gauge('node_ksmd_pages_unshared', 'Pages scanned that are like no other.'),
  pages_volatile: gauge('node_ksmd_pages_volatile', 'Pages that change too fast to be merged.'),
  run: gauge('node_ksmd_run', 'State of ksmd: 0 stopped, 1 running, 2 stopped and everything unmerged.'),
  sleep_millisecs: sleep,
};

/** Merging of equal memory pages. */
export const ksmd = defineCollector({
  name: 'ksmd',
  enabled: false,
  summary: 'Merging of equal memory pages, from `/sys/kernel/mm/ksm`.',
  options: NO_OPTIONS,
  whenEmpty: 'the kernel has no files of ksmd',
  families: Object.values(FILES),
  create({ host }) {
    const folder = host.sys('kernel/mm/ksm');
    return (out) => {
      for (const name of host.listIfExists(folder)) {
        const family = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
        if (!family) continue;
        out.attempt(name, () => {
          const value = integerAttribute(host, join(folder, name));
          if (value !== undefined) out.add(family, family === sleep ? value / 1000 : value);
        });
      }
    };
  },
});
