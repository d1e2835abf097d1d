import * as z from 'zod';
import type { Family } from '../../metrics/family.ts';
import type { Producer } from '../../metrics/scope.ts';
import { identityOptions } from '../../pods/options.ts';
import { bindCollector, type CollectorSpec, defineCollector, oneByOne, type World } from '../collector.ts';
import { CgroupCollector } from './cgroups.ts';
import { containerFamilies } from './families.ts';
import { type KubeletPage, kubeletOptions, kubeletProducer } from './kubelet.ts';
import { machine, machineFamilies } from './machine.ts';
import type { NameSource } from './naming.ts';
import { cgroupOptions } from './options.ts';

/** The collector of cgroups; `names` provides the pods of this node. */
const container = (names?: NameSource): CollectorSpec<typeof cgroupOptions> =>
  defineCollector({
    name: 'container',
    enabled: true,
    summary: 'Pods and containers, from cgroups v1 or v2 and `/proc/<pid>`.',
    options: cgroupOptions,
    whenEmpty: 'no pods or containers have a cgroup on this host',
    families: [...containerFamilies.common, ...containerFamilies.rest, ...(containerFamilies.extra ?? [])],
    create(world, options) {
      // Created in the first cycle on a host that has cgroups, and then reused.
      let collector: CgroupCollector | undefined;
      return oneByOne((out, signal) => {
        collector ??= new CgroupCollector(world, options, names);
        return collector.collect(out, signal);
      });
    },
  });

/** Options of the whole section, in addition to those for cgroups. */
const sectionOptions = {
  source: z
    .enum(['cgroup', 'kubelet'])
    .default('cgroup')
    .describe(
      'cgroup: read the cgroup files; kubelet: scrape the kubelet, which refreshes its values every 10 to 30 s.',
    ),
  kubeletMetrics: z
    .boolean()
    .default(false)
    .describe(
      'With `source: cgroup`: also scrape the kubelet for metrics that only it provides, such as volume usage.',
    ),
};

/** The section `collectors.container` of the configuration. */
export const containerSection = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether this collector runs.'),
    ...sectionOptions,
    ...cgroupOptions.shape,
    identity: identityOptions,
    kubelet: kubeletOptions,
  })
  .prefault({});

/** Families that the kubelet reports twice: with fewer labels they would be counted twice. */
const TOLD_TWICE = new Set([
  'container_cpu_usage_seconds_total',
  'container_memory_working_set_bytes',
  'container_start_time_seconds',
]);

/**
 * The families that the collectors of `section` declare; further families of a kubelet are only known once they are
 * scraped.
 */
export function containerFamiliesOf(section: z.output<typeof containerSection>): readonly Family[] {
  if (!section.enabled) return [];
  const sets = [containerFamilies, machineFamilies];
  return sets.flatMap(({ common, rest, extra = [] }) => [...common, ...rest, ...extra]);
}

/** The producers enabled by `section`. */
export function containerProducers(
  world: World,
  section: z.output<typeof containerSection>,
  names?: NameSource,
): Producer[] {
  const { enabled, source, kubeletMetrics, identity: _, kubelet, ...options } = section;
  if (!enabled) return [];
  const own: KubeletPage = { path: '/metrics', isWanted: (family) => kubelet.families.test(family) };
  if (source === 'cgroup') {
    return [
      bindCollector('container', container(names), world, options),
      bindCollector('container', machine, world, { families: options.families }),
      ...(kubeletMetrics ? [kubeletProducer('kubelet', kubelet, [own])] : []),
    ];
  }
  const common = new Set([...containerFamilies.common, ...machineFamilies.common].map(({ name }) => name));
  const cadvisor: KubeletPage = {
    path: '/metrics/cadvisor',
    isWanted: (family) => options.families === 'kubelet' || common.has(family),
  };
  const resource: KubeletPage = {
    path: '/metrics/resource',
    isWanted: (family) => /^(?:container|pod|node)_/.test(family) && !TOLD_TWICE.has(family),
  };
  return [kubeletProducer('container', kubelet, [cadvisor]), kubeletProducer('kubelet', kubelet, [own, resource])];
}
