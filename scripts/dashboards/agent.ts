import type { Dashboard } from './dashboard.ts';

/** The agents themselves: collection, delivery and cost. */
export const AGENT: Dashboard = {
  name: 'agent',
  title: 'Firesteel / Agents',
  variables: [
    { name: 'cluster', title: 'Cluster', from: 'up{job="firesteel"}' },
    { name: 'instance', title: 'Agent', from: 'up{job="firesteel"}' },
  ],
  rows: [
    {
      title: 'Overview',
      panels: [
        { title: 'Agents', as: 'stat', query: 'count(up{job="firesteel",$s})' },
        {
          title: 'Silent nodes',
          as: 'stat',
          alarm: 1,
          query:
            'count((count by (cluster, node) (kube_node_info{cluster=~"$cluster",os_image!~"Windows.*",node!~"fargate-.*"})) unless on (cluster, node) label_replace(up{job="firesteel"}, "node", "$1", "instance", "(.+)")) or vector(0)',
        },
        {
          title: 'Failing collectors',
          as: 'stat',
          alarm: 1,
          query: 'count(firesteel_collector_success{$s} == 0) or vector(0)',
        },
        { title: 'Leaders', as: 'stat', query: 'sum(firesteel_leader{cluster=~"$cluster"}) or vector(0)' },
        {
          title: 'Samples dropped, 1 h',
          as: 'stat',
          alarm: 1,
          query:
            'sum(increase(firesteel_export_samples_dropped_total{$s,reason!~"replaced|not_master|unsupported"}[1h])) or vector(0)',
        },
        {
          title: 'Dropped families',
          as: 'stat',
          alarm: 1,
          query: 'count(firesteel_budget_dropped_series{$s}) or vector(0)',
        },
      ],
    },
    {
      title: 'Delivery',
      panels: [
        {
          title: 'Uploads by response',
          unit: 'ops',
          query: 'sum by (exporter, code) (rate(firesteel_export_requests_total{$s}[$__rate_interval]))',
          legend: '{{exporter}} {{code}}',
        },
        {
          title: 'Response time, p99',
          unit: 's',
          query:
            'histogram_quantile(0.99, sum by (exporter, le) (rate(firesteel_export_request_duration_seconds_bucket{$s}[$__rate_interval])))',
          legend: '{{exporter}}',
        },
        {
          title: 'Waiting bytes',
          unit: 'bytes',
          query: 'sum by (exporter, tier) (firesteel_export_queue_bytes{$s})',
          legend: '{{exporter}} {{tier}}',
        },
        {
          title: 'Time since the last delivery',
          unit: 's',
          query: 'max by (exporter) (time() - firesteel_export_last_success_timestamp_seconds{$s})',
          legend: '{{exporter}}',
        },
        {
          title: 'Samples dropped',
          unit: 'ops',
          query: 'sum by (exporter, reason) (rate(firesteel_export_samples_dropped_total{$s}[$__rate_interval]))',
          legend: '{{exporter}} {{reason}}',
        },
        {
          title: 'Bytes sent',
          unit: 'Bps',
          query: 'sum by (exporter, form) (rate(firesteel_export_body_bytes_total{$s}[$__rate_interval]))',
          legend: '{{exporter}} {{form}}',
        },
      ],
    },
    {
      title: 'Collection',
      panels: [
        { title: 'Samples per cycle', query: 'firesteel_cycle_samples{$s}', legend: '{{instance}}' },
        {
          title: 'Slowest collectors',
          unit: 's',
          query: 'topk(10, avg by (group, collector) (firesteel_collector_duration_seconds{$s}))',
          legend: '{{group}}.{{collector}}',
        },
        {
          title: 'Series by group',
          query: 'sum by (group) (firesteel_budget_series{$s})',
          legend: '{{group}}',
        },
        { title: 'Failing now', as: 'table', query: 'firesteel_collector_success{$s} == 0' },
      ],
    },
    {
      title: 'Cluster state and pod names',
      panels: [
        {
          title: 'Objects',
          query: 'sum by (resource) (max by (cluster, resource) (firesteel_ksm_objects{cluster=~"$cluster"}))',
          legend: '{{resource}}',
        },
        {
          title: 'Resources that cannot be listed',
          query:
            'count by (resource) (max by (cluster, resource) (firesteel_ksm_resource_up{cluster=~"$cluster"}) == 0)',
          legend: '{{resource}}',
        },
        {
          title: 'Age of pod names',
          unit: 's',
          query: 'max by (source) (firesteel_identity_age_seconds{$s})',
          legend: '{{source}}',
        },
      ],
    },
    {
      title: 'Log entries',
      panels: [
        {
          title: 'Entries acknowledged',
          unit: 'ops',
          query: `sum by (source, exporter) (rate(firesteel_logs_entries_total{$s,outcome="acked"}[$__rate_interval]))`,
          legend: '{{source}} to {{exporter}}',
        },
        {
          title: 'Oldest unacknowledged entry',
          unit: 's',
          query: 'topk(20, firesteel_logs_lag_seconds{$s})',
          legend: '{{instance}} {{source}} to {{exporter}}',
        },
        {
          title: 'Entries lost or rejected',
          unit: 'ops',
          query:
            'sum by (source, exporter, reason) (rate(firesteel_logs_lost_total{$s}[$__rate_interval])) > 0 or sum by (source, exporter, reason) (rate(firesteel_logs_dropped_total{$s}[$__rate_interval])) > 0',
          legend: '{{source}} to {{exporter}}: {{reason}}',
        },
      ],
    },
    {
      title: 'Cost',
      panels: [
        {
          title: 'CPU',
          query: 'rate(process_cpu_seconds_total{job="firesteel",$s}[$__rate_interval])',
          legend: '{{instance}}',
        },
        {
          title: 'Memory',
          unit: 'bytes',
          query: 'process_resident_memory_bytes{job="firesteel",$s}',
          legend: '{{instance}}',
        },
        {
          title: 'Longest block of the event loop',
          unit: 's',
          query: 'firesteel_event_loop_lag_max_seconds{$s}',
          legend: '{{instance}}',
        },
      ],
    },
  ],
};
