// /proc/meminfo: proc_meminfo(5). Present on every Linux host; its lines depend on the kernel.
import { parseMeminfo } from '../../host/meminfo.ts';
import { type Family, gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

/** The lines that are exported. node_exporter has kept to this list since 1.9, so newer lines of the kernel are not. */
const SIZES = [
  ...['MemTotal', 'MemFree', 'MemAvailable', 'Buffers', 'Cached', 'SwapCached', 'Active', 'Inactive'],
  ...['Active(anon)', 'Inactive(anon)', 'Active(file)', 'Inactive(file)', 'Unevictable', 'Mlocked'],
  ...['SwapTotal', 'SwapFree', 'Zswap', 'Zswapped', 'Dirty', 'Writeback', 'AnonPages', 'Mapped', 'Shmem'],
  ...['Slab', 'SReclaimable', 'SUnreclaim', 'KernelStack', 'PageTables', 'NFS_Unstable', 'Bounce', 'WritebackTmp'],
  ...['CommitLimit', 'Committed_AS', 'VmallocTotal', 'VmallocUsed', 'VmallocChunk', 'Percpu', 'HardwareCorrupted'],
  ...['AnonHugePages', 'ShmemHugePages', 'ShmemPmdMapped', 'CmaTotal', 'CmaFree', 'Hugepagesize'],
  ...['DirectMap4k', 'DirectMap2M', 'DirectMap1G'],
];
const COUNTS = ['HugePages_Total', 'HugePages_Free', 'HugePages_Rsvd', 'HugePages_Surp'];

const families: ReadonlyMap<string, Family> = new Map([
  ...SIZES.map((line) => [line, gauge(`node_memory_${metricPart(line)}_bytes`, `${line} of /proc/meminfo.`)] as const),
  ...COUNTS.map((line) => [line, gauge(`node_memory_${line}`, `${line} of /proc/meminfo, in huge pages.`)] as const),
]);

/** Memory by use. */
export const meminfo = defineCollector({
  name: 'meminfo',
  enabled: true,
  summary: 'Memory by use, from `/proc/meminfo`.',
  options: NO_OPTIONS,
  families: [...families.values()],
  create({ host }) {
    const path = host.proc('meminfo');
    return (out) => {
      const values = parseMeminfo(out, path, host.read(path), families);
      for (const [line, family] of families) {
        const value = values.get(line);
        if (value !== undefined) out.add(family, value);
      }
    };
  },
});

/** `Active(anon)` in a metric name, `Active_anon`. */
export function metricPart(line: string): string {
  return line.replace('(', '_').replace(')', '');
}
