// /sys/kernel/mm/ksm: Documentation/admin-guide/mm/ksm.rst. Absent without CONFIG_KSM.
import { join } from 'node:path';
import { countAttribute, integerAttribute } from '../../host/attributes.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const sleep = gauge('node_ksmd_sleep_seconds', 'How long ksmd sleeps before it scans again.');
const FILES: Readonly<Record<string, Family>> = {
  full_scans: counter('node_ksmd_full_scans_total', 'Number of full scans of all mergeable memory.'),
  general_profit: gauge('node_ksmd_general_profit_bytes', 'Memory saved, minus the overhead of ksmd.'),
  merge_across_nodes: gauge('node_ksmd_merge_across_nodes', 'Whether pages of different NUMA nodes are merged.'),
  pages_shared: gauge('node_ksmd_pages_shared', 'Shared pages in use.'),
  pages_sharing: gauge('node_ksmd_pages_sharing', 'Pages that share them, that is, pages saved.'),
  pages_to_scan: gauge('node_ksmd_pages_to_scan', 'Pages that ksmd scans before it sleeps.'),
  pages_unshared: gauge('node_ksmd_pages_unshared', 'Scanned pages that are unique.'),
  pages_volatile: gauge('node_ksmd_pages_volatile', 'Pages that change too often to be merged.'),
  run: gauge('node_ksmd_run', 'State of ksmd: 0 stopped, 1 running, 2 stopped with all pages unmerged.'),
  sleep_millisecs: sleep,
};

/** Merging of equal memory pages. */
export const ksmd = defineCollector({
  name: 'ksmd',
  enabled: false,
  summary: 'Kernel same-page merging (KSM), from `/sys/kernel/mm/ksm`.',
  options: NO_OPTIONS,
  whenEmpty: 'the kernel has no ksmd files',
  families: Object.values(FILES),
  create({ host }) {
    const folder = host.sys('kernel/mm/ksm');
    return (out) => {
      for (const name of host.listIfExists(folder)) {
        const family = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
        if (!family) continue;
        out.attempt(name, () => {
          // Merging may save less than it costs.
          const read = name === 'general_profit' ? integerAttribute : countAttribute;
          const value = read(host, join(folder, name));
          if (value !== undefined) out.add(family, family === sleep ? value / 1000 : value);
        });
      }
    };
  },
});
