import type { Resource } from '../../src/collectors/ksm/resource.ts';
import { GENERATED, table } from '../metric-reference.ts';
import type { Answer, Flags } from './answer.ts';
import { CADVISOR_FLAGS } from './cadvisor.ts';
import { KUBE_STATE_METRICS_FLAGS, KUBE_STATE_METRICS_RESOURCES } from './kube-state-metrics.ts';
import { LEFT_OUT_COLLECTORS, NODE_EXPORTER_FLAGS } from './node-exporter.ts';
import { PROCESS_EXPORTER_FLAGS } from './process-exporter.ts';

/** The programs, each with its flags. */
export const PROGRAMS: Readonly<Record<string, Flags>> = {
  node_exporter: NODE_EXPORTER_FLAGS,
  'kube-state-metrics': KUBE_STATE_METRICS_FLAGS,
  cAdvisor: CADVISOR_FLAGS,
  'process-exporter': PROCESS_EXPORTER_FLAGS,
};

/** The page on the differences from the replaced programs, and on their flags; `resources` are those of kube-state. */
export function differencesPage(resources: readonly Pick<Resource, 'name'>[]): string {
  return [
    '# Differences from the replaced programs',
    GENERATED,
    'Names, types, labels and values are those of node_exporter, kube-state-metrics, cAdvisor and process-exporter. What ' +
      'is omitted, what differs intentionally, and the equivalent of each flag are listed here. `firesteel diff --against URL` ' +
      'shows the differences on your own host.',
    '## Missing values',
    MISSING,
    '## node_exporter',
    NODE,
    '### Omitted collectors',
    table(
      ['collector', 'why'],
      Object.entries(LEFT_OUT_COLLECTORS).map(([name, why]) => [`\`${name}\``, why]),
    ),
    'Collectors of other operating systems (`boottime`, `devstat`, `exec`, `netinterface`, `netisr`, `partition`, …) are omitted.',
    '## kube-state-metrics',
    list(...KSM, ...addedResources(resources)),
    '## cAdvisor',
    CADVISOR,
    '## process-exporter',
    PROCESS,
    '## Flags',
    'A flag `--collector.X` or `--no-collector.X` of node_exporter is `collectors.node.X.enabled`.',
    ...Object.entries(PROGRAMS).flatMap(([program, flags]) => [`### Flags of ${program}`, flagTable(flags)]),
    '',
  ].join('\n\n');
}

const flagTable = (flags: Flags): string =>
  table(
    ['flag', 'setting', 'note'],
    Object.entries(flags).map(([flag, answer]) => [`\`--${flag}\``, settingsOf(answer), answer.note]),
  );

const settingsOf = ({ settings }: Answer): string =>
  settings.length === 0 ? '—' : settings.map((path) => `\`${path}\``).join(', ');

const list = (...items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n');

const MISSING =
  'A value that the kernel does not report, or that cannot be parsed, is absent, never 0. Where the ' +
  'replaced program prints 0 or -1 for it, that is listed below. Values that cannot be parsed are counted in ' +
  '`firesteel_collector_lost_units` and listed on the status page; only that record is lost.';

const NODE = list(
  '`nfs`: `LayoutGet` and `GetDeviceInfo` are in the order of the kernel (`include/linux/nfs4.h`); node_exporter has them ' +
    'exchanged.',
  '`btrfs`: the families of `commit_stats` are absent before Linux 6.0, where node_exporter prints 0.',
  '`drm`: a value that a card does not have is absent, where node_exporter prints 0.',
  '`wifi`: values that a driver does not report are absent, where node_exporter prints 0; so is the frequency of a device without ' +
    'a channel. One failing device does not affect the others.',
  '`pcidevice`: as in node_exporter, the speed and width of a link that has none is -1, and a device without SR-IOV has ' +
    '0 virtual functions; but values that cannot be parsed are absent, and one malformed device does not affect the others.',
  '`textfile`: quoted names are supported, as in node_exporter 1.10; characters outside the classic grammar become `_`, ' +
    'because not every receiver accepts them. Two names that become the same are rejected.',
  'An attribute of sysfs for which its driver returns EINVAL, EOPNOTSUPP or the like has no value, which is not an error: a link ' +
    'that is down has no speed. node_exporter does the same in `netclass` and most others, and fails completely in some.',
  'A counter of 2^63 or more is a negative number that the kernel printed as an unsigned one: it is lost, where ' +
    'node_exporter and cAdvisor pass it on.',
  '`nvmesubsystem`: `paths_live` is absent while the state of a path cannot be read.',
  '`cpu`: `node_cpu_isolated` is read once, as the kernel sets it from its command line; node_exporter reads it in each scrape.',
  '`time`: the time zone of the host (`/etc/localtime`) is read once, as that of a process is, also in node_exporter; a change shows ' +
    'after a restart of the agent. Changes between summer and winter time show at once.',
  '`node_exporter_build_info` has the version of Firesteel; its Go labels are empty.',
  '`collect[]` and `exclude[]` of `/metrics` work the same way; names may be prefixed with their group (`node.cpu`).',
);

const KSM = [
  'All replicas know the state; only the elected one pushes it.',
  'There is no telemetry port; `kube_state_metrics_…` are in the group `ksm`, with the version of Firesteel.',
  '`kube_cronjob_next_schedule_time` is that of the CronJob controller: a step larger than its range fires once, a local ' +
    'time that the clock skips does not fire, one that it repeats fires twice.',
];

/** The item on resources that kube-state-metrics does not have; none without such resources. */
function addedResources(resources: readonly Pick<Resource, 'name'>[]): string[] {
  const added = resources
    .filter(({ name }) => !KUBE_STATE_METRICS_RESOURCES.has(name))
    .map(({ name }) => `\`${name}\``);
  if (added.length === 0) return [];
  return [`Resources that kube-state-metrics does not have, off by default: ${added.join(', ')}.`];
}

const CADVISOR = list(
  'The differences from a kubelet, row by row, are in [container metrics](container.md#what-differs-from-a-kubelet).',
  'Families beyond those of a kubelet are enabled with `collectors.container.extra`. Not included are `perf_event` and `resctrl` (need ' +
    'CAP_PERFMON or a mount that pods don’t have), `referenced_memory` (slows down the observed processes), `memory_numa`, `sched`, ' +
    '`percpu`, `advtcp`, `cpuset` and `app` (no known dashboard uses them), and `cpu_load`, which needs a ' +
    'netlink request per task; `families: kubelet` has pressure instead.',
  'Labels and variables of containers (`container_label_…`, `container_env_…`) are omitted, as in a kubelet: labels of ' +
    'pods are in `kube_pod_labels`, and variables contain secrets.',
);

const PROCESS = list(
  '`threads` and `smaps` are off by default, because they read a file per thread and walk all page tables.',
  'The start time of a group is exact; process-exporter rereads the boot time every time, so it varies.',
  'Threads by state count each thread once; process-exporter counts the main thread of some twice.',
  'There is a limit of groups (`maxGroups`), beyond which they are counted together.',
  'The limit of open files (`worst_fd_ratio`) is read every `slowInterval`, not in every cycle, because each read takes 10 µs per process and ' +
    'nothing shows cheaply whether it has changed. [What else is read less often](process.md#what-is-read-less-often).',
  '`context_switches_total` includes those of all threads, of which further threads are read every `slowInterval`; process-exporter counts only the first.',
);
