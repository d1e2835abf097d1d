// /proc/schedstat: Documentation/scheduler/sched-stats.rst. Absent without CONFIG_SCHEDSTATS.
import { eachRecord, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { counter } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const running = counter('node_schedstat_running_seconds_total', 'Time that tasks ran on the CPU.', ['cpu']);
const waiting = counter('node_schedstat_waiting_seconds_total', 'Time that tasks waited for the CPU.', ['cpu']);
const timeslices = counter('node_schedstat_timeslices_total', 'Time slices run on the CPU.', ['cpu']);

/** Words of a cpu line: its name, six counts that are not used, running, waiting, time slices. */
const RUNNING = 7;
const WORDS = 10;

/** Run and wait time of the scheduler. */
export const schedstat = defineCollector({
  name: 'schedstat',
  enabled: true,
  summary: 'Run and wait time of the tasks on each CPU, from `/proc/schedstat`.',
  options: NO_OPTIONS,
  families: [running, waiting, timeslices],
  create({ host }) {
    const path = host.proc('schedstat');
    return (out) => {
      eachRecord(out, path, host.read(path), (line) => {
        const cpu = /^cpu(\d+) /.exec(line)?.[1];
        if (cpu === undefined) return;
        const columns = words(line);
        if (columns.length < WORDS) throw new Error(`expected ${WORDS} words, found ${columns.length}`);
        const [run, wait, slices] = columns.slice(RUNNING, WORDS);
        const counts = [count(run), count(wait), count(slices)] as const;
        out.add(running, counts[0] / 1e9, cpu);
        out.add(waiting, counts[1] / 1e9, cpu);
        out.add(timeslices, counts[2], cpu);
      });
    };
  },
});
