// /proc/softirqs: proc_softirqs(5). There on every Linux host.
import { eachLine, words } from '../../host/lines.ts';
import { integer } from '../../host/numbers.ts';
import { counter } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const total = counter('node_softirqs_functions_total', 'Softirqs handled; cpu is the column of the file.', [
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
      eachLine(path, host.read(path), (line) => {
        const colon = line.indexOf(':');
        const type = line.slice(0, Math.max(colon, 0)).trim();
        if (!TYPES.includes(type)) return;
        for (const [cpu, count] of words(line.slice(colon + 1)).entries()) {
          out.add(total, integer(count), String(cpu), type);
        }
      });
    };
  },
});
