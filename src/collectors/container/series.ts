import type { NetDevice } from '../../host/net-dev.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { CgroupReading, DeviceUse, HugePages, Limits } from './reading.ts';

/** The labels of every cgroup's series. Empty ones are left out: to Prometheus that is the same. */
export const CGROUP_LABELS = ['namespace', 'pod', 'container', 'id', 'image', 'name'];

/** One field of `Of` that becomes a sample. */
export interface FieldSeries<Of> {
  readonly family: Family;
  readonly field: NumericField<Of>;
  /** How its keys end: labels that are always the same, and a brace. */
  readonly tail: string;
  /** Whether it is exported without `families: kubelet`: if dashboards and alerts use it. */
  readonly isCommon: boolean;
}

type NumericField<Of> = { [Key in keyof Of]-?: Of[Key] extends number | undefined ? Key : never }[keyof Of];

type Define = (name: string, help: string, labels: readonly string[]) => Family;

const define =
  <Of>(isCommon: boolean, ownLabels: readonly string[] = []) =>
  (make: Define, field: NumericField<Of>, name: string, help: string, fixed: Readonly<Record<string, string>> = {}) => {
    const labels = Object.entries(fixed).map(([label, value]) => `,${label}="${value}"`);
    const family = make(name, help, [...CGROUP_LABELS, ...ownLabels, ...Object.keys(fixed)]);
    return { family, field, tail: `${labels.join('')}}`, isCommon } satisfies FieldSeries<Of>;
  };

const common = define<CgroupReading>(true);
const rest = define<CgroupReading>(false);

/**
 * Page faults come as four series of one family; no kernel reports those of a single cgroup, so both scopes are equal.
 */
const failures = counter('container_memory_failures_total', 'Page faults by type; both scopes have the same value.', [
  ...CGROUP_LABELS,
  'failure_type',
  'scope',
]);
const faults = (['container', 'hierarchy'] as const).flatMap((scope) =>
  (
    [
      ['pgfault', 'pageFaults'],
      ['pgmajfault', 'majorFaults'],
    ] as const
  ).map(([type, field]) => ({
    family: failures,
    field,
    tail: `,failure_type="${type}",scope="${scope}"}`,
    isCommon: false,
  })),
);

/** Values read in each cycle. */
export const readingSeries: readonly FieldSeries<CgroupReading>[] = [
  common(counter, 'cpuUsage', 'container_cpu_usage_seconds_total', 'CPU time used.', { cpu: 'total' }),
  common(counter, 'cpuUser', 'container_cpu_user_seconds_total', 'CPU time used in user mode.'),
  common(counter, 'cpuSystem', 'container_cpu_system_seconds_total', 'CPU time used in the kernel.'),
  common(counter, 'periods', 'container_cpu_cfs_periods_total', 'Elapsed CPU quota periods.'),
  common(counter, 'throttledPeriods', 'container_cpu_cfs_throttled_periods_total', 'Throttled CPU quota periods.'),
  common(counter, 'throttledTime', 'container_cpu_cfs_throttled_seconds_total', 'Time throttled by the CPU quota.'),
  rest(counter, 'burstPeriods', 'container_cpu_cfs_burst_periods_total', 'Periods that used burst quota.'),
  rest(counter, 'burstTime', 'container_cpu_cfs_burst_seconds_total', 'CPU time used beyond the quota, from burst.'),
  common(
    gauge,
    'workingSet',
    'container_memory_working_set_bytes',
    'Working set: memory without inactive file cache; used for eviction decisions.',
  ),
  common(gauge, 'memory', 'container_memory_usage_bytes', 'Memory usage, including file cache and kernel memory.'),
  common(gauge, 'rss', 'container_memory_rss', 'Anonymous memory.'),
  common(gauge, 'cache', 'container_memory_cache', 'File cache, including tmpfs and shared memory.'),
  common(gauge, 'swap', 'container_memory_swap', 'Memory in swap.'),
  rest(gauge, 'mappedFile', 'container_memory_mapped_file', 'Files mapped into memory.'),
  rest(gauge, 'activeFile', 'container_memory_total_active_file_bytes', 'Active file cache.'),
  rest(gauge, 'inactiveFile', 'container_memory_total_inactive_file_bytes', 'Inactive file cache.'),
  rest(gauge, 'kernel', 'container_memory_kernel_usage', 'Kernel memory.'),
  rest(gauge, 'peak', 'container_memory_max_usage_bytes', 'Peak memory usage.'),
  rest(counter, 'limitHits', 'container_memory_failcnt', 'Number of times memory usage hit the limit.'),
  ...faults,
  common(
    counter,
    'oomKills',
    'container_oom_events_total',
    'Processes killed by the OOM killer, as counted by the kernel.',
  ),
  rest(
    counter,
    'cpuWaiting',
    'container_pressure_cpu_waiting_seconds_total',
    'Time during which at least one task waited for a CPU.',
  ),
  rest(
    counter,
    'cpuStalled',
    'container_pressure_cpu_stalled_seconds_total',
    'Time during which all non-idle tasks waited for a CPU.',
  ),
  rest(
    counter,
    'memoryWaiting',
    'container_pressure_memory_waiting_seconds_total',
    'Time during which at least one task waited for memory.',
  ),
  rest(
    counter,
    'memoryStalled',
    'container_pressure_memory_stalled_seconds_total',
    'Time during which all non-idle tasks waited for memory.',
  ),
  rest(
    counter,
    'ioWaiting',
    'container_pressure_io_waiting_seconds_total',
    'Time during which at least one task waited for I/O.',
  ),
  rest(
    counter,
    'ioStalled',
    'container_pressure_io_stalled_seconds_total',
    'Time during which all non-idle tasks waited for I/O.',
  ),
  rest(gauge, 'threads', 'container_threads', 'Threads.'),
  rest(gauge, 'processes', 'container_processes', 'Processes in the cgroup itself, excluding child cgroups.'),
  rest(gauge, 'fileDescriptors', 'container_file_descriptors', 'Open files of its processes.'),
  rest(gauge, 'sockets', 'container_sockets', 'Open sockets of its processes.'),
];

/** Memory values of newer cAdvisor versions; with `extra: [memory]`. cgroup v2 only. */
export const memorySeries: readonly FieldSeries<CgroupReading>[] = [
  rest(
    counter,
    'eventsHigh',
    'container_memory_events_high_total',
    'Number of times the cgroup was throttled for exceeding memory.high.',
  ),
  rest(counter, 'eventsMax', 'container_memory_events_max_total', 'Number of times memory usage hit the limit.'),
  rest(gauge, 'fileDirty', 'container_memory_file_dirty_bytes', 'Dirty file cache.'),
  rest(gauge, 'fileWriteback', 'container_memory_file_writeback_bytes', 'File cache under writeback.'),
  rest(counter, 'scannedPages', 'container_memory_pgscan_total', 'Pages scanned for reclaim.'),
  rest(counter, 'reclaimedPages', 'container_memory_pgsteal_total', 'Pages reclaimed.'),
  rest(
    counter,
    'refaultsFile',
    'container_memory_workingset_refault_file_total',
    'File pages refaulted soon after reclaim.',
  ),
  rest(
    counter,
    'refaultsAnon',
    'container_memory_workingset_refault_anon_total',
    'Anonymous pages refaulted soon after reclaim.',
  ),
];

const huge = define<HugePages>(false, ['pagesize']);

/** Huge pages of one size; with `extra: [hugetlb]`. */
export const hugePageSeries: readonly FieldSeries<HugePages>[] = [
  huge(gauge, 'usage', 'container_hugetlb_usage_bytes', 'Huge pages in use.'),
  huge(gauge, 'peak', 'container_hugetlb_max_usage_bytes', 'Peak huge page usage; cgroup v1 only.'),
  huge(counter, 'limitHits', 'container_hugetlb_failcnt', 'Number of times huge page usage hit the limit.'),
];

/** Series with options of their own. */
export const OPTIONAL: ReadonlySet<FieldSeries<CgroupReading>['field']> = new Set(['fileDescriptors', 'sockets']);

const commonLimit = define<Limits>(true);
const otherLimit = define<Limits>(false);

/** Values read periodically. */
export const limitSeries: readonly FieldSeries<Limits>[] = [
  commonLimit(gauge, 'cpuPeriod', 'container_spec_cpu_period', 'Period of the CPU quota in microseconds.'),
  commonLimit(gauge, 'cpuQuota', 'container_spec_cpu_quota', 'CPU quota per period in microseconds.'),
  commonLimit(gauge, 'cpuShares', 'container_spec_cpu_shares', 'CPU shares: relative weight under contention.'),
  commonLimit(gauge, 'memory', 'container_spec_memory_limit_bytes', 'Memory limit; 0 for none.'),
  otherLimit(
    gauge,
    'swap',
    'container_spec_memory_swap_limit_bytes',
    'Swap limit, in v1 including memory; 0 for none.',
  ),
  otherLimit(gauge, 'reservation', 'container_spec_memory_reservation_limit_bytes', 'Memory reservation (soft limit).'),
  otherLimit(gauge, 'threads', 'container_threads_max', 'Thread limit; 0 for none.'),
  otherLimit(
    gauge,
    'openFiles',
    'container_ulimits_soft',
    'Soft limit of open files of the first process, at most ten cycles old; -1 for none.',
    {
      ulimit: 'max_open_files',
    },
  ),
];

/** Of a cgroup itself: when it was created and when it was read. */
interface Times {
  readonly started: number | undefined;
  readonly lastSeen: number;
}

const time = define<Times>(true);

/** Values of every existing cgroup. */
export const timeSeries: readonly FieldSeries<Times>[] = [
  time(gauge, 'started', 'container_start_time_seconds', 'When the cgroup was created, in seconds since 1970.'),
  time(gauge, 'lastSeen', 'container_last_seen', 'When the cgroup was last read, in seconds since 1970.'),
];

const device = define<DeviceUse>(true, ['device']);
const cost = define<DeviceUse>(false, ['device']);

/** With `extra: [creation]`. */
export const creationSeries: readonly FieldSeries<Times>[] = [
  define<Times>(false)(
    gauge,
    'started',
    'container_creation_time_seconds',
    'When the cgroup was created, in seconds since 1970.',
  ),
];

/** The I/O of a cgroup on one block device that has a name. */
export const deviceSeries: readonly FieldSeries<DeviceUse>[] = [
  device(counter, 'readBytes', 'container_fs_reads_bytes_total', 'Bytes read from the device.'),
  device(counter, 'writeBytes', 'container_fs_writes_bytes_total', 'Bytes written to the device.'),
  device(counter, 'reads', 'container_fs_reads_total', 'Reads from the device.'),
  device(counter, 'writes', 'container_fs_writes_total', 'Writes to the device.'),
  cost(counter, 'costUsage', 'container_fs_io_cost_usage_seconds_total', 'Device time used, by the I/O cost model.'),
  cost(counter, 'costWait', 'container_fs_io_cost_wait_seconds_total', 'Time spent waiting for budget.'),
  cost(counter, 'costIndebt', 'container_fs_io_cost_indebt_seconds_total', 'Time spent indebted.'),
  cost(counter, 'costIndelay', 'container_fs_io_cost_indelay_seconds_total', 'Time spent delayed because of debt.'),
];

/** Bytes by operation; also for devices without a name. Only with `families: kubelet`. */
export const deviceOperations = counter('container_blkio_device_usage_total', 'Bytes by device and operation.', [
  ...CGROUP_LABELS,
  'device',
  'major',
  'minor',
  'operation',
]);

const network = define<NetDevice>(true, ['interface']);

/** The traffic of one interface of a pod's network. */
export const networkSeries: readonly FieldSeries<NetDevice>[] = [
  network(counter, 'receiveBytes', 'container_network_receive_bytes_total', 'Bytes received.'),
  network(counter, 'receivePackets', 'container_network_receive_packets_total', 'Packets received.'),
  network(counter, 'receiveErrors', 'container_network_receive_errors_total', 'Packets received with errors.'),
  network(counter, 'receiveDropped', 'container_network_receive_packets_dropped_total', 'Received packets dropped.'),
  network(counter, 'transmitBytes', 'container_network_transmit_bytes_total', 'Bytes sent.'),
  network(counter, 'transmitPackets', 'container_network_transmit_packets_total', 'Packets sent.'),
  network(counter, 'transmitErrors', 'container_network_transmit_errors_total', 'Packets that failed to send.'),
  network(counter, 'transmitDropped', 'container_network_transmit_packets_dropped_total', 'Outgoing packets dropped.'),
];

/** A series whose value is always the same. */
export interface Constant extends Pick<FieldSeries<never>, 'family' | 'tail'> {
  readonly value: number;
}

/** Values that no kubelet measures, at its constant for all cgroups. Only with `families: kubelet`. */
export const constantSeries: readonly Constant[] = [
  constant(
    'container_health_state',
    'Health check state of the container; always -1, as for every runtime except Docker.',
    -1,
  ),
  constant('container_cpu_load_average_10s', 'Always 0: not measured by any kubelet.', 0),
  constant('container_cpu_load_d_average_10s', 'Always 0: not measured by any kubelet.', 0),
  ...taskStates(),
];

function constant(name: string, help: string, value: number) {
  return { family: gauge(name, help, CGROUP_LABELS), tail: '}', value };
}

function taskStates() {
  const family = gauge('container_tasks_state', 'Always 0: not measured by any kubelet.', [...CGROUP_LABELS, 'state']);
  return ['iowaiting', 'running', 'sleeping', 'stopped', 'uninterruptible'].map((state) => ({
    family,
    tail: `,state="${state}"}`,
    value: 0,
  }));
}
