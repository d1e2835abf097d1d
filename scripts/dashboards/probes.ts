import type { Dashboard } from './dashboard.ts';

/** Probes of targets: http, tcp, udp, ping and dns tasks. */
export const PROBES: Dashboard = {
  name: 'probes',
  title: 'Firesteel / Probes',
  variables: [
    { name: 'cluster', title: 'Cluster', from: 'probe_success' },
    { name: 'job', title: 'Job', from: 'probe_success' },
    { name: 'instance', title: 'Target', from: 'probe_success' },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        { title: 'Targets', as: 'stat', query: 'count(probe_success{$s})' },
        { title: 'Failing', as: 'stat', alarm: 1, query: 'count(probe_success{$s} == 0) or vector(0)' },
        {
          title: 'Succeeded, 1 h',
          as: 'stat',
          unit: 'percentunit',
          query: 'avg(avg_over_time(probe_success{$s}[1h]))',
        },
        {
          title: 'Slowest',
          as: 'stat',
          unit: 's',
          query: 'max(probe_duration_seconds{$s})',
        },
        {
          title: 'Next certificate expires in',
          as: 'stat',
          unit: 'dtdurations',
          query: 'min(probe_ssl_earliest_cert_expiry{$s} - time())',
        },
        {
          title: 'Oldest probe',
          as: 'stat',
          unit: 's',
          query: 'max(time() - firesteel_probe_last_run_timestamp_seconds{$s})',
        },
      ],
    },
    {
      title: 'Over time',
      panels: [
        { title: 'Success', unit: 'bool', query: 'probe_success{$s}', legend: '{{instance}}' },
        { title: 'Duration', unit: 's', query: 'probe_duration_seconds{$s}', legend: '{{instance}}' },
        {
          title: 'HTTP duration by phase',
          unit: 's',
          query: 'avg by (phase) (probe_http_duration_seconds{$s})',
          legend: '{{phase}}',
        },
        {
          title: 'Runs by outcome',
          unit: 'ops',
          query: 'sum by (outcome) (rate(firesteel_probe_runs_total{$s}[$__rate_interval]))',
          legend: '{{outcome}}',
        },
        {
          title: 'HTTP status',
          query: 'probe_http_status_code{$s}',
          legend: '{{instance}}',
        },
        {
          title: 'DNS lookup',
          unit: 's',
          query: 'probe_dns_lookup_time_seconds{$s}',
          legend: '{{instance}}',
        },
        {
          title: 'Reasons for failing probes',
          as: 'table',
          query: 'firesteel_probe_up{$s} and on (job, instance) probe_success{$s} == 0',
        },
      ],
    },
  ],
};
