// /proc/stat except the cpu lines (host/kernel-stat.ts). Present on every Linux host.

import * as z from 'zod';
import { zip } from '../../base/zip.ts';
import { parseKernelStat } from '../../host/kernel-stat.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';

/** Families by the first word of their line; the value is the second word. */
const byKeyword: Readonly<Record<string, Family>> = {
  intr: counter('node_intr_total', 'Interrupts handled since boot.'),
  ctxt: counter('node_context_switches_total', 'Context switches since boot.'),
  btime: gauge('node_boot_time_seconds', 'When the host booted, in seconds since 1970.'),
  processes: counter('node_forks_total', 'Processes and threads created since boot.'),
  procs_running: gauge('node_procs_running', 'Runnable threads (running or waiting for a CPU).'),
  procs_blocked: gauge('node_procs_blocked', 'Threads blocked on I/O.'),
};
const softirqs = counter('node_softirqs_total', 'Softirqs handled since boot, by vector.', ['vector']);

/** Vectors in the order of the softirq line, after its total; kernel/softirq.c, softirq_to_name. */
const VECTORS = ['hi', 'timer', 'net_tx', 'net_rx', 'block', 'block_iopoll', 'tasklet', 'sched', 'hrtimer', 'rcu'];

const options = z.strictObject({
  softirq: z.boolean().default(false).describe('Export the number of softirqs by vector.'),
});

/** Kernel activity since boot. */
export const stat = defineCollector({
  name: 'stat',
  enabled: true,
  summary: 'Interrupts, context switches, forks, runnable and blocked threads, and boot time, from `/proc/stat`.',
  options,
  families: [...Object.values(byKeyword), softirqs],
  create({ host }, { softirq }) {
    const path = host.proc('stat');
    const wanted = new Set([...Object.keys(byKeyword), ...(softirq ? ['softirq'] : [])]);
    return (out) => {
      const lines = parseKernelStat(out, path, host.read(path), wanted);
      for (const [keyword, counts] of lines) {
        const family = Object.hasOwn(byKeyword, keyword) ? byKeyword[keyword] : undefined;
        if (family && counts?.[0] !== undefined) out.add(family, counts[0]);
      }
      const [, ...byVector] = lines.get('softirq') ?? [];
      for (const [vector, value] of zip(VECTORS, byVector)) out.add(softirqs, value, vector);
    };
  },
});
