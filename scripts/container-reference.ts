import type * as z from 'zod';
import type { FamilySets } from '../src/collectors/container/families.ts';
import { familyRow, GENERATED, optionsOf, table } from './metric-reference.ts';

/** The data of the page. */
export interface ContainerReference {
  /** The section `collectors.container`. */
  readonly options: z.ZodObject;
  readonly cgroups: FamilySets;
  readonly machine: FamilySets;
}

/** The page on the container collector. */
export function containerReference({ options, cgroups, machine }: ContainerReference): string {
  const families = (sets: readonly (readonly FamilySets['common'][number][])[]) =>
    table(['metric', 'type', 'labels', 'help'], sets.flat().map(familyRow));
  return [
    '# Container metrics',
    GENERATED,
    'Pods, containers and the machine, under the names, labels and values that a kubelet exposes at `/metrics/cadvisor`, ' +
      'read straight from the cgroups (v1 or v2, either driver, of containerd, CRI-O or Docker).',
    '## Options',
    'Below `collectors.container`.',
    table(['option', 'default', 'what'], optionsOf(options)),
    '## Rows',
    ROWS,
    '## Metrics that are always exposed',
    families([cgroups.common, machine.common]),
    '## Further metrics with `families: kubelet`',
    families([cgroups.rest, machine.rest]),
    '## Further metrics by `extra`',
    families([cgroups.extra ?? []]),
    '## What differs from a kubelet',
    DIFFERENCES,
    '## With `source: kubelet`',
    FROM_KUBELET,
    '',
  ].join('\n\n');
}

const ROWS = table(
  ['cgroup', 'labels in addition to `id`'],
  [
    ['root, `kubepods`, QoS classes, named slices', 'none'],
    ['pod', '`namespace`, `pod`'],
    [
      'sandbox of a pod',
      '`namespace`, `pod`, `name`, `image`, which is set by the option `sandboxImage`; `container` is empty with containerd, otherwise `POD`',
    ],
    ['container', '`namespace`, `pod`, `container`, `image`, `name`'],
  ],
);

const DIFFERENCES = [
  '- Samples have the time of the push; a kubelet refreshes its values only every 10 to 30 s.',
  '- Limits are read when inotify reports that one was written, with a watch per cgroup (three with v1). Where that is not ' +
    'possible, as when `fs.inotify.max_user_watches` is reached, they are read for each push.',
  '- A container without a name waits up to two pushes; one that has ended is exposed once more, with its last values.',
  '- `container_fs_usage_bytes` and similar metrics cover the file systems of the host only. Data that a container wrote to ' +
    'its own layer is known only to its runtime; the kubelet has it in `/stats/summary`. For the space in volumes: `kubeletMetrics`.',
  '- Overlay mounts are omitted: each repeats the disk below it. So are the zeros that a kubelet exposes for disks behind ' +
    'file systems without I/O counters.',
  '- `container_oom_events_total` is the count of the kernel; kubelets read its log instead, and recent ones always expose 0.',
  '- With cgroup v2, `container_memory_kernel_usage` and `container_memory_failcnt` are the values of the kernel; a kubelet exposes 0.',
  '- Values that the kernel does not report are absent, where a kubelet exposes 0: pressure without PSI, peaks before Linux 5.19, ' +
    'limits and kills of the v2 root cgroup.',
  '- Network metrics need the processes of the host (`hostPID`): without them they are absent.',
].join('\n');

const FROM_KUBELET =
  "The kubelet's `/metrics/cadvisor` is forwarded, filtered by `families`. Its `/metrics` and `/metrics/resource` become " +
  'the group `kubelet` with `metrics_path="/metrics"`, without the families that `/metrics/cadvisor` also has. `kubeletMetrics: true` ' +
  'adds only `/metrics` to the data from cgroups.';
