// /proc/interrupts: proc_interrupts(5). Present on every Linux host.
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { eachRecord, type Losses, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { counter } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';
import { nameFilter } from './name-filter.ts';

const total = counter('node_interrupts_total', 'Interrupts handled; cpu is the column of the file.', [
  'cpu',
  'type',
  'info',
  'devices',
]);

const options = z.strictObject({
  nameInclude: pattern().optional().describe('Include only interrupts whose `<type>;<info>;<devices>` matches.'),
  nameExclude: pattern().optional().describe('Exclude interrupts whose `<type>;<info>;<devices>` matches.'),
  includeZeros: z.boolean().default(true).describe('Also export interrupts that a CPU has never handled.'),
});

/** Interrupts by CPU. */
export const interrupts = defineCollector({
  name: 'interrupts',
  enabled: false,
  summary: 'Interrupts by CPU and source, from `/proc/interrupts`.',
  options,
  whenEmpty: 'no interrupts match the options',
  families: [total],
  create({ host }, { nameInclude, nameExclude, includeZeros }) {
    const path = host.proc('interrupts');
    const isWanted = nameFilter('interrupts', { include: nameInclude, exclude: nameExclude });
    return (out) => {
      for (const { type, info, devices, counts } of parseInterrupts(out, path, host.read(path))) {
        if (!isWanted(`${type};${info};${devices}`)) continue;
        for (const [cpu, value] of counts.entries()) {
          if (includeZeros || value !== 0) out.add(total, value, String(cpu), type, info, devices);
        }
      }
    };
  },
});

/** One source of interrupts. */
interface Interrupt {
  /** Its number, or a word such as `NMI`. */
  readonly type: string;
  readonly info: string;
  readonly devices: string;
  /** By column of the file, which is not the CPU's number if a CPU is offline. */
  readonly counts: readonly number[];
}

/** Lines with one number for all CPUs, of arch/x86/kernel/irq.c and similar files. */
const SUMS: ReadonlySet<string> = new Set(['ERR', 'MIS', 'Err', 'BAD']);

/** The lines with a count per CPU and a text; others (`ERR`, `MIS`) are sums. */
function parseInterrupts(lost: Losses, path: string, text: string): Interrupt[] {
  const interrupts: Interrupt[] = [];
  let cpus = 0;
  eachRecord(lost, path, text, (line, number) => {
    if (number === 1) {
      cpus = words(line).length;
      return;
    }
    const colon = line.indexOf(':');
    if (colon === -1) throw new Error('expected an interrupt and its counts');
    const type = line.slice(0, colon).trim();
    const columns = words(line.slice(colon + 1));
    if (columns.length < cpus && !SUMS.has(type)) throw new Error(`${columns.length} counts for ${cpus} CPUs`);
    if (columns.length <= cpus) return;
    const [first = '', ...rest] = columns.slice(cpus);
    const [info, devices] = /^\d+$/.test(type) ? [first, rest.join(' ')] : [[first, ...rest].join(' '), ''];
    interrupts.push({ type, info, devices, counts: columns.slice(0, cpus).map(count) });
  });
  return interrupts;
}
