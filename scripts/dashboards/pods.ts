import type { Dashboard } from './dashboard.ts';

/** Containers with a name: neither sandboxes nor sums of a pod. */
const OWN = 'container!="",container!="POD"';

/** Pods of a namespace: used and requested resources. */
export const PODS: Dashboard = {
  name: 'pods',
  title: 'Firesteel / Namespaces and pods',
  variables: [
    { name: 'cluster', title: 'Cluster', from: 'kube_pod_info' },
    { name: 'namespace', title: 'Namespace', from: 'kube_pod_info' },
    { name: 'pod', title: 'Pod', from: 'kube_pod_info' },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        { title: 'Pods', as: 'stat', query: 'count(kube_pod_info{$s})' },
        {
          title: 'Not ready',
          as: 'stat',
          alarm: 1,
          query:
            'count((kube_pod_status_ready{$s,condition="true"} == 0) and on (cluster, namespace, pod) (kube_pod_status_phase{$s,phase=~"Running|Pending"} == 1)) or vector(0)',
        },
        {
          title: 'Restarts, 1 h',
          as: 'stat',
          alarm: 1,
          query: 'sum(increase(kube_pod_container_status_restarts_total{$s}[1h])) or vector(0)',
        },
        {
          title: 'Waiting containers',
          as: 'stat',
          alarm: 1,
          query: 'sum(kube_pod_container_status_waiting{$s}) or vector(0)',
        },
        { title: 'CPU', as: 'stat', query: `sum(rate(container_cpu_usage_seconds_total{$s,${OWN}}[5m]))` },
        { title: 'Memory', as: 'stat', unit: 'bytes', query: `sum(container_memory_working_set_bytes{$s,${OWN}})` },
      ],
    },
    {
      title: 'By namespace',
      panels: [
        {
          title: 'CPU',
          query: `sum by (namespace) (rate(container_cpu_usage_seconds_total{$s,${OWN}}[$__rate_interval]))`,
          legend: '{{namespace}}',
        },
        {
          title: 'Memory (working set)',
          unit: 'bytes',
          query: `sum by (namespace) (container_memory_working_set_bytes{$s,${OWN}})`,
          legend: '{{namespace}}',
        },
        { title: 'Pods', query: 'count by (namespace) (kube_pod_info{$s})', legend: '{{namespace}}' },
      ],
    },
    {
      title: 'Top ten pods',
      panels: [
        {
          title: 'CPU',
          query: `topk(10, sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{$s,${OWN}}[$__rate_interval])))`,
          legend: '{{namespace}}/{{pod}}',
        },
        {
          title: 'Memory (working set)',
          unit: 'bytes',
          query: `topk(10, sum by (namespace, pod) (container_memory_working_set_bytes{$s,${OWN}}))`,
          legend: '{{namespace}}/{{pod}}',
        },
        {
          title: 'Throttled by the CPU limit',
          unit: 'percentunit',
          query: `topk(10, sum by (namespace, pod) (rate(container_cpu_cfs_throttled_periods_total{$s,${OWN}}[$__rate_interval])) / sum by (namespace, pod) (rate(container_cpu_cfs_periods_total{$s,${OWN}}[$__rate_interval]) > 0))`,
          legend: '{{namespace}}/{{pod}}',
        },
        {
          title: 'Memory, share of the limit',
          unit: 'percentunit',
          query: `topk(10, sum by (namespace, pod, container) (container_memory_working_set_bytes{$s,${OWN}}) / sum by (namespace, pod, container) (kube_pod_container_resource_limits{$s,resource="memory"}))`,
          legend: '{{namespace}}/{{pod}} {{container}}',
        },
        {
          title: 'Network',
          unit: 'Bps',
          query:
            'topk(10, sum by (namespace, pod) (rate(container_network_receive_bytes_total{$s}[$__rate_interval])) + sum by (namespace, pod) (rate(container_network_transmit_bytes_total{$s}[$__rate_interval])))',
          legend: '{{namespace}}/{{pod}}',
        },
        {
          title: 'Disks',
          unit: 'Bps',
          query: `topk(10, sum by (namespace, pod) (rate(container_fs_writes_bytes_total{$s,${OWN}}[$__rate_interval])) + sum by (namespace, pod) (rate(container_fs_reads_bytes_total{$s,${OWN}}[$__rate_interval])))`,
          legend: '{{namespace}}/{{pod}}',
        },
        {
          title: 'Reasons for waiting containers',
          as: 'table',
          query: 'kube_pod_container_status_waiting_reason{$s} > 0',
        },
      ],
    },
  ],
};
