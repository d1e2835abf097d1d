import type { Rules } from './compare.ts';

/** An expected difference. */
export interface KnownDifference {
  /** Matches the series, or the name followed by `{}`. */
  readonly series: RegExp;
  readonly reason: string;
}

/** A program that Firesteel replaces. */
export interface Replaced {
  readonly program: string;
  /** Its section in `collectors`. */
  readonly section: 'node' | 'ksm' | 'container' | 'process';
  /** Metric names to compare; metrics about the program itself are excluded. */
  readonly names: RegExp;
  readonly known: readonly KnownDifference[];
  /**
   * For a program with timestamped values, which are older than the reading: additional known differences when it runs
   * standalone, not in a kubelet.
   */
  readonly alone?: readonly KnownDifference[];
  /** The settings for series that only the program has. */
  readonly settings?: readonly { readonly series: RegExp; readonly setting: string }[];
}

/** The programs, with the expected differences and their reasons. */
export const REPLACED: readonly Replaced[] = [
  {
    program: 'node_exporter',
    section: 'node',
    names: /^node_/,
    known: [
      { series: /^node_exporter_build_info\{/, reason: "the other program's version" },
      { series: /^node_scrape_collector_duration_seconds\{/, reason: 'how long the collectors of each program took' },
      {
        series: /^node_(kernel_hung_tasks_total|memory_Zswap(ped)?_bytes)\{/,
        reason: 'added after node_exporter 1.9; 1.12 has it',
      },
      {
        series: /^node_scrape_collector_success\{collector="(bcachefs|dmmultipath|kernel_hung)"/,
        reason: 'added after node_exporter 1.9; 1.12 has it',
      },
      {
        series: /^node_scrape_collector_success\{collector="pressure"/,
        reason: 'node_exporter 1.9 fails without /proc/pressure/irq; the other files are read by both',
      },
      {
        series: /^node_textfile_(scrape_error|mtime_seconds)\{/,
        reason: 'each program reads the folders of its own setting: collectors.node.textfile.directory',
      },
      {
        series: /^node_disk_info\{.*rotational="[01]"/,
        reason:
          'node_exporter 1.9 fails on queue attributes that this kernel lacks and reports 0; Firesteel reads only the file of this attribute',
      },
    ],
  },
  {
    program: 'kube-state-metrics',
    section: 'ksm',
    names: /^kube_/,
    known: [
      {
        series: /^kube_state_metrics_/,
        reason: 'about the program itself; kube-state-metrics exposes it on its telemetry port',
      },
    ],
  },
  {
    program: 'cAdvisor',
    section: 'container',
    names: /^(container|machine)_/,
    known: [
      {
        series: /^(container|machine)_scrape_error\{|^container_last_seen\{/,
        reason: 'depends on when it is read',
      },
      {
        series: /^container_fs_(reads|writes)(_bytes)?_total\{.*id="\/"/,
        reason: "for /, cAdvisor shows the I/O of the machine's disks, as node_disk_* does",
      },
      { series: /[{,]id="(?!\/kubepods|\/?")(?!.*kubepods)/, reason: 'the cgroup does not belong to a pod' },
    ],
    alone: [
      {
        series: /^container_start_time_seconds\{/,
        reason: 'when cAdvisor first saw the cgroup; for /, its own start',
      },
      {
        series:
          /^container_(oom_events_total|cpu_load_d_average_10s|health_state|memory_kernel_usage|memory_total_(in)?active_file_bytes)\{|^machine_(cpu_(books|drawers)|swap_bytes)\{/,
        reason: 'added after cAdvisor 0.39',
      },
      {
        series: /^container_(file_descriptors|processes|sockets|threads|threads_max|ulimits_soft)\{/,
        reason: 'off by default in cAdvisor: --disable_metrics without process',
      },
    ],
  },
  {
    program: 'process-exporter',
    section: 'process',
    names: /^namedprocess_/,
    settings: [
      { series: /^namedprocess_namegroup_threads_wchan\b/, setting: 'collectors.process.wchan=true' },
      { series: /^namedprocess_namegroup_thread_/, setting: 'collectors.process.threads=true' },
      { series: /memtype="proportional/, setting: 'collectors.process.smaps=true' },
    ],
    known: [
      { series: /^namedprocess_scrape_/, reason: 'about the scrape itself' },
      {
        series: /^namedprocess_namegroup_states\{/,
        reason: 'a momentary value; process-exporter counts the main thread of many twice',
      },
      {
        series: /^namedprocess_namegroup_threads_wchan\{/,
        reason: 'a momentary value; process-exporter counts the main thread of many twice',
      },
      {
        series: /_(youngest_start_time|uptime)_seconds\{|_filedesc_limit\{/,
        reason: 'process-exporter has no such series',
      },
      {
        series: /^namedprocess_namegroup_oldest_start_time_seconds\{/,
        reason: 'process-exporter rereads the boot time every time',
      },
    ],
  },
];

/** Momentary values, and values that can only be compared by their growth. */
export const RULES: Rules = {
  restless:
    /^(node_(memory_|vmstat_|load|procs_running|sockstat_|netstat_Tcp_CurrEstab|filefd_allocated|entropy|timex_|cooling|hwmon_|cpu_scaling_frequency|nf_conntrack_entries|pressure_)|namedprocess_namegroup_(memory_bytes|num_procs|num_threads|open_filedesc|worst_fd_ratio)|container_(memory_|threads|file_descriptors|processes))/,
  fromStart: /^namedprocess_/,
};
