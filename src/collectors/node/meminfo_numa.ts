// /sys/devices/system/node/node<N>/meminfo and numastat: Documentation/ABI/stable/sysfs-devices-node and
// Documentation/admin-guide/numastat.rst. Absent without CONFIG_NUMA.
import { join } from 'node:path';
import { memoryValue } from '../../host/meminfo.ts';
import { integer } from '../../host/numbers.ts';
import { recordsOfFile } from '../../host/records.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';
import { FamilyCache } from './family-cache.ts';
import { metricPart } from './meminfo.ts';

/** Memory by NUMA node. */
export const meminfoNuma = defineCollector({
  name: 'meminfo_numa',
  enabled: false,
  summary:
    'Memory of each NUMA node, `node_memory_numa_<field>`, and its page allocations, ' +
    '`node_memory_numa_<field>_total`, from `/sys/devices/system/node/node<N>/meminfo` and `numastat`.',
  options: NO_OPTIONS,
  whenEmpty: 'no NUMA nodes found',
  families: [],
  create({ host }) {
    const parent = host.sys('devices/system/node');
    const gauges = new FamilyCache('gauge', ['node']);
    const counters = new FamilyCache('counter', ['node']);
    return (out) => {
      for (const entry of host.listIfExists(parent)) {
        const node = /^node(\d+)$/.exec(entry)?.[1];
        if (node === undefined) continue;
        const meminfo = join(parent, entry, 'meminfo');
        const numastat = join(parent, entry, 'numastat');
        recordsOfFile(out, host, meminfo, (line) => {
          const [, field, value] = /^Node +\d+ +([\w()]+):(.*)$/.exec(line) ?? [];
          if (field === undefined || value === undefined) throw new Error('expected Node <number> <field>: <value>');
          const unit = value.endsWith('kB') ? ', in bytes' : '';
          const family = gauges.get(`node_memory_numa_${metricPart(field)}`, `${field} of the NUMA node${unit}.`);
          out.add(family, memoryValue(value), node);
        });
        recordsOfFile(out, host, numastat, (line) => {
          const [, field, value] = /^(\w+) +(\S+)$/.exec(line) ?? [];
          if (field === undefined) throw new Error('expected a field and its count');
          const family = counters.get(`node_memory_numa_${field}_total`, `${field} of the NUMA node, in pages.`);
          out.add(family, integer(value), node);
        });
      }
    };
  },
});
