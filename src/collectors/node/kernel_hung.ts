// /proc/sys/kernel/hung_task_detect_count: Documentation/admin-guide/sysctl/kernel.rst. Absent before Linux 6.13.
import { oneLine } from '../../host/lines.ts';
import { integer } from '../../host/numbers.ts';
import { counter } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const hungTasks = counter('node_kernel_hung_tasks_total', 'Tasks that the kernel found hung since boot.');

/** Hung tasks. */
export const kernelHung = defineCollector({
  name: 'kernel_hung',
  enabled: true,
  summary: 'Tasks found hung, from `/proc/sys/kernel/hung_task_detect_count`.',
  options: NO_OPTIONS,
  families: [hungTasks],
  create({ host }) {
    const path = host.proc('sys/kernel/hung_task_detect_count');
    return (out) => out.add(hungTasks, oneLine(path, host.read(path).trim(), integer));
  },
});
