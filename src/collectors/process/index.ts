// Process groups under the names of process-exporter: /proc/<pid>/{stat,status,io,fd,cmdline,limits,cgroup} and more by
// option, all in proc_pid(5). With hidepid, or in a pod without hostPID, only some processes are visible.
import * as z from 'zod';
import type { Producer } from '../../metrics/scope.ts';
import type { PodNames } from '../../pods/pod-names.ts';
import { bindCollector, type CollectorSpec, defineCollector, oneByOne, type World } from '../collector.ts';
import { ProcessCollector } from './collect.ts';
import { families } from './families.ts';
import { checkOptions, options, type ProcessOptions, processNames } from './options.ts';

/** The process collector; `containers` names the containers if processes are split by pod. */
export const processCollector = (containers?: PodNames): CollectorSpec<typeof options> =>
  defineCollector({
    name: 'process',
    enabled: true,
    summary: 'Process groups, from `/proc/<pid>`, with the metric names of process-exporter.',
    options,
    whenEmpty: 'no process matches a configured group',
    families,
    create(world, given) {
      const collector = new ProcessCollector(world, given, containers);
      return oneByOne((out, signal) => collector.collect(out, signal));
    },
  });

/** The section `collectors.process` of the configuration. */
export const processSection = z
  .strictObject({ enabled: z.boolean().default(true).describe('Whether this collector runs.'), ...options.shape })
  .superRefine(checkOptions)
  .transform((given) => ({ ...given, process_names: [...processNames(given)] }))
  .prefault({});

/** The producer enabled by `section`, if any. */
export function processProducers(
  world: World,
  section: z.output<typeof processSection>,
  containers?: PodNames,
): Producer[] {
  const { enabled, ...given } = section;
  const spec = processCollector(containers);
  return enabled ? [bindCollector('process', spec, world, given satisfies ProcessOptions)] : [];
}
