// The cpu lines of /proc/stat (host/kernel-stat.ts); also /proc/cpuinfo (cpu-info.ts) and /sys/devices/system/cpu
// (cpu-sysfs.ts). Present on every Linux host.
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { CPU_MODES, GUEST_MODES, IDLE, parseCpuTicks, type Ticks } from '../../host/kernel-stat.ts';
import { counter } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';
import { cpuInfo, cpuInfoFamilies } from './cpu-info.ts';
import { cpuSysfs, cpuSysfsFamilies } from './cpu-sysfs.ts';

const seconds = counter(
  'node_cpu_seconds_total',
  'Time that the CPU spent in each mode; user and nice include guests.',
  ['cpu', 'mode'],
);
const guestSeconds = counter(
  'node_cpu_guest_seconds_total',
  'Time that the CPU spent running virtual machines, which the modes user and nice of node_cpu_seconds_total include.',
  ['cpu', 'mode'],
);

/** USER_HZ, the same on all architectures that containers run on, whatever the kernel's own HZ is. */
const TICKS_PER_SECOND = 100;
/** An idle time that decreases this far belongs to a CPU that was unplugged and re-added. */
const REPLUGGED_TICKS = 3 * TICKS_PER_SECOND;

const options = z.strictObject({
  guest: z.boolean().default(true).describe('Export the time spent running virtual machines.'),
  info: z.boolean().default(false).describe('Export model and clock of each CPU, from `/proc/cpuinfo`.'),
  infoFlagsInclude: pattern().optional().describe('Export the CPU flags that match; turns `info` on.'),
  infoBugsInclude: pattern().optional().describe('Export the CPU bugs that match; turns `info` on.'),
});

/** CPU time by mode, throttling, and CPU information. */
export const cpu = defineCollector({
  name: 'cpu',
  enabled: true,
  summary:
    'CPU time by mode, from `/proc/stat`; throttling, online and isolated CPUs, from `/sys/devices/system/cpu`. The isolated CPUs are ' +
    'read once, as the command line of the kernel determines them.',
  options,
  families: [seconds, guestSeconds, ...cpuInfoFamilies, ...cpuSysfsFamilies],
  create({ host }, { guest, info, infoFlagsInclude: flags, infoBugsInclude: bugs }) {
    const path = host.proc('stat');
    const addInfo = info || flags || bugs ? cpuInfo(host, flags, bugs) : undefined;
    const addSysfs = cpuSysfs(host);
    // In the kernel, idle and iowait occasionally decrease a little. A decreasing counter is taken for a reset, with a
    // rate of years, so the highest count of each column is stored, for the CPUs of the last cycle.
    let highest: ReadonlyMap<string, Ticks> = new Map();
    return (out) => {
      const current = new Map<string, Ticks>();
      for (const [id, ticks] of parseCpuTicks(out, path, host.read(path))) {
        const counts = neverFalling(highest.get(id), ticks);
        current.set(id, counts);
        for (const [index, mode] of CPU_MODES.entries()) {
          const time = counts[index];
          if (time !== undefined) out.add(seconds, time / TICKS_PER_SECOND, id, mode);
        }
        if (!guest) continue;
        for (const [index, mode] of GUEST_MODES.entries()) {
          const time = counts[CPU_MODES.length + index];
          if (time !== undefined) out.add(guestSeconds, time / TICKS_PER_SECOND, id, mode);
        }
      }
      highest = current;
      addInfo?.(out);
      addSysfs(out);
    };
  },
});

/** `now`, but no column lower than `before`, unless the CPU was unplugged in between. */
export function neverFalling(before: Ticks | undefined, now: Ticks): Ticks {
  if (before === undefined || (before[IDLE] ?? 0) - (now[IDLE] ?? 0) >= REPLUGGED_TICKS) return now;
  return now.map((ticks, index) => (ticks === undefined ? undefined : Math.max(ticks, before[index] ?? 0)));
}
