import type { Dashboard } from './dashboard.ts';

/** Disks without partitions, loops and RAM. */
const DISKS = 'device!~"(loop|ram|fd|sr).*"';
const REAL = 'fstype!~"tmpfs|ramfs|overlay|squashfs"';

/** A machine: scarce resources, and what uses them. */
export const NODE: Dashboard = {
  name: 'node',
  title: 'Firesteel / Nodes',
  variables: [
    { name: 'cluster', title: 'Cluster', from: 'node_uname_info' },
    { name: 'instance', title: 'Node', from: 'node_uname_info' },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        { title: 'Nodes', as: 'stat', query: 'count(node_uname_info{$s})' },
        {
          title: 'CPU in use',
          as: 'stat',
          unit: 'percentunit',
          alarm: 0.9,
          query: '1 - avg(rate(node_cpu_seconds_total{$s,mode="idle"}[5m]))',
        },
        {
          title: 'Memory in use',
          as: 'stat',
          unit: 'percentunit',
          alarm: 0.9,
          query: '1 - sum(node_memory_MemAvailable_bytes{$s}) / sum(node_memory_MemTotal_bytes{$s})',
        },
        {
          title: 'Fullest file system',
          as: 'stat',
          unit: 'percentunit',
          alarm: 0.9,
          query: `max(1 - node_filesystem_avail_bytes{$s,${REAL}} / (node_filesystem_size_bytes{$s,${REAL}} > 0))`,
        },
        { title: 'Up since', as: 'stat', unit: 'dtdurations', query: 'min(time() - node_boot_time_seconds{$s})' },
        {
          title: 'OOM kills, 1 h',
          as: 'stat',
          alarm: 1,
          query: 'sum(increase(node_vmstat_oom_kill{$s}[1h])) or vector(0)',
        },
      ],
    },
    {
      title: 'CPU and memory',
      panels: [
        {
          title: 'CPU by mode',
          unit: 'percentunit',
          query: 'avg by (mode) (rate(node_cpu_seconds_total{$s,mode!="idle"}[$__rate_interval]))',
          legend: '{{mode}}',
        },
        {
          title: 'CPU by node',
          unit: 'percentunit',
          query: '1 - avg by (instance) (rate(node_cpu_seconds_total{$s,mode="idle"}[$__rate_interval]))',
          legend: '{{instance}}',
        },
        {
          title: 'Load per CPU',
          query:
            'node_load5{$s} / on (cluster, instance) count by (cluster, instance) (node_cpu_seconds_total{$s,mode="idle"})',
          legend: '{{instance}}',
        },
        {
          title: 'Memory in use',
          unit: 'percentunit',
          query: '1 - node_memory_MemAvailable_bytes{$s} / node_memory_MemTotal_bytes{$s}',
          legend: '{{instance}}',
        },
        {
          title: 'Refaulted pages',
          unit: 'ops',
          query: 'rate(node_vmstat_pgmajfault{$s}[$__rate_interval])',
          legend: '{{instance}}',
        },
        {
          title: 'Time waiting for CPU',
          unit: 'percentunit',
          query: 'rate(node_pressure_cpu_waiting_seconds_total{$s}[$__rate_interval])',
          legend: '{{instance}}',
          why: 'Pressure stall information of the kernel, where it is enabled.',
        },
      ],
    },
    {
      title: 'Disks and file systems',
      panels: [
        {
          title: 'File systems in use',
          unit: 'percentunit',
          query: `topk(20, 1 - node_filesystem_avail_bytes{$s,${REAL}} / (node_filesystem_size_bytes{$s,${REAL}} > 0))`,
          legend: '{{instance}} {{mountpoint}}',
        },
        {
          title: 'Disk utilization',
          unit: 'percentunit',
          query: `rate(node_disk_io_time_seconds_total{$s,${DISKS}}[$__rate_interval])`,
          legend: '{{instance}} {{device}}',
        },
        {
          title: 'Bytes read and written',
          unit: 'Bps',
          query: `sum by (instance) (rate(node_disk_written_bytes_total{$s,${DISKS}}[$__rate_interval])) + sum by (instance) (rate(node_disk_read_bytes_total{$s,${DISKS}}[$__rate_interval]))`,
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: 'Counted logs',
      panels: [
        {
          title: 'Unread bytes',
          unit: 'bytes',
          query:
            'sum by (instance) (log_lag_bytes{$s}) or on (instance) sum by (instance) (container_log_lag_bytes{$s})',
          legend: '{{instance}}',
        },
        {
          title: 'Bytes lost before they were read',
          unit: 'bytes',
          query:
            'sum by (instance, logfile) (increase(log_lost_bytes_total{$s}[$__rate_interval])) > 0 or sum by (instance, namespace, pod, container) (increase(container_log_lost_bytes_total{$s}[$__rate_interval])) > 0',
          legend: '{{instance}} {{logfile}}{{namespace}} {{pod}} {{container}}',
        },
        {
          title: 'Errors of files and rules',
          query:
            'sum by (instance, logfile) (increase(log_errors_total{$s}[$__rate_interval])) > 0 or sum by (instance, namespace, pod, container) (increase(container_log_errors_total{$s}[$__rate_interval])) > 0',
          legend: '{{instance}} {{logfile}}{{namespace}} {{pod}} {{container}}',
        },
      ],
    },
    {
      title: 'Network',
      panels: [
        {
          title: 'Received',
          unit: 'Bps',
          query: 'sum by (instance) (rate(node_network_receive_bytes_total{$s,device!="lo"}[$__rate_interval]))',
          legend: '{{instance}}',
        },
        {
          title: 'Sent',
          unit: 'Bps',
          query: 'sum by (instance) (rate(node_network_transmit_bytes_total{$s,device!="lo"}[$__rate_interval]))',
          legend: '{{instance}}',
        },
        {
          title: 'Errors and drops',
          unit: 'ops',
          query:
            'sum by (instance) (rate(node_network_receive_errs_total{$s}[$__rate_interval]) + rate(node_network_receive_drop_total{$s}[$__rate_interval]) + rate(node_network_transmit_errs_total{$s}[$__rate_interval]) + rate(node_network_transmit_drop_total{$s}[$__rate_interval]))',
          legend: '{{instance}}',
        },
      ],
    },
  ],
};
