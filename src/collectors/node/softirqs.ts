// /proc/softirqs: proc_softirqs(5). Present on every Linux host.
import { eachRecord, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { counter } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const total = counter('node_softirqs_functions_total', 'Softirqs handled, by CPU (its column in the file) and type.', [
  'cpu',
  'type',
]);
/** softirq_to_name of kernel/softirq.c. */
const TYPES = ['HI', 'TIMER', 'NET_TX', 'NET_RX', 'BLOCK', 'IRQ_POLL', 'TASKLET', 'SCHED', 'HRTIMER', 'RCU'];

/** Softirqs by CPU. */
export const softirqs = defineCollector({
  name: 'softirqs',
  enabled: false,
  summary: 'Softirqs by CPU and type, from `/proc/softirqs`.',
  options: NO_OPTIONS,
  families: [total],
  create({ host }) {
    const path = host.proc('softirqs');
    return (out) => {
      let cpus = 0;
      eachRecord(out, path, host.read(path), (line, number) => {
        if (number === 1) cpus = words(line).length;
        if (number === 1) return;
        const colon = line.indexOf(':');
        if (colon === -1) throw new Error('expected a type and its counts');
        const type = line.slice(0, colon).trim();
        if (!TYPES.includes(type)) return;
        const counts = words(line.slice(colon + 1)).map(count);
        if (counts.length !== cpus) throw new Error(`${counts.length} counts for ${cpus} CPUs`);
        for (const [cpu, value] of counts.entries()) out.add(total, value, String(cpu), type);
      });
    };
  },
});
