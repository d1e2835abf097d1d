import type { Dashboard } from './dashboard.ts';

/** The state of a cluster: nodes, workloads, jobs, volumes, and requested resources. */
export const CLUSTER: Dashboard = {
  name: 'cluster',
  title: 'Firesteel / Cluster state',
  variables: [
    { name: 'cluster', title: 'Cluster', from: 'kube_node_info' },
    { name: 'namespace', title: 'Namespace', from: 'kube_pod_info' },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Nodes ready',
          as: 'stat',
          query: 'sum(kube_node_status_condition{cluster=~"$cluster",condition="Ready",status="true"})',
        },
        {
          title: 'Nodes not ready',
          as: 'stat',
          alarm: 1,
          query:
            'count(kube_node_status_condition{cluster=~"$cluster",condition="Ready",status="true"} == 0) or vector(0)',
        },
        {
          title: 'Pods pending',
          as: 'stat',
          alarm: 1,
          query: 'sum(kube_pod_status_phase{$s,phase="Pending"})',
        },
        { title: 'Pods failed', as: 'stat', alarm: 1, query: 'sum(kube_pod_status_phase{$s,phase="Failed"})' },
        {
          title: 'Jobs failed',
          as: 'stat',
          alarm: 1,
          query: 'count(kube_job_status_failed{$s} > 0) or vector(0)',
        },
        {
          title: 'Volumes not bound',
          as: 'stat',
          alarm: 1,
          query: 'sum(kube_persistentvolumeclaim_status_phase{$s,phase=~"Pending|Lost"}) or vector(0)',
        },
      ],
    },
    {
      title: 'Capacity',
      panels: [
        {
          title: 'CPU requested',
          unit: 'percentunit',
          query:
            'sum by (cluster) (kube_pod_container_resource_requests{cluster=~"$cluster",resource="cpu"}) / sum by (cluster) (kube_node_status_allocatable{cluster=~"$cluster",resource="cpu"})',
          legend: '{{cluster}}',
        },
        {
          title: 'Memory requested',
          unit: 'percentunit',
          query:
            'sum by (cluster) (kube_pod_container_resource_requests{cluster=~"$cluster",resource="memory"}) / sum by (cluster) (kube_node_status_allocatable{cluster=~"$cluster",resource="memory"})',
          legend: '{{cluster}}',
        },
        {
          title: 'Pods, share of node capacity',
          unit: 'percentunit',
          query:
            'sum by (cluster, node) (kube_pod_info{cluster=~"$cluster"}) / on (cluster, node) kube_node_status_allocatable{cluster=~"$cluster",resource="pods"}',
          legend: '{{node}}',
        },
        {
          title: 'CPU requested, by namespace',
          query: 'sum by (namespace) (kube_pod_container_resource_requests{$s,resource="cpu"})',
          legend: '{{namespace}}',
        },
        {
          title: 'Memory requested, by namespace',
          unit: 'bytes',
          query: 'sum by (namespace) (kube_pod_container_resource_requests{$s,resource="memory"})',
          legend: '{{namespace}}',
        },
        { title: 'Pods by phase', query: 'sum by (phase) (kube_pod_status_phase{$s})', legend: '{{phase}}' },
      ],
    },
    {
      title: 'Workloads with missing pods',
      panels: [
        {
          title: 'Deployments',
          as: 'table',
          query: 'kube_deployment_spec_replicas{$s} - kube_deployment_status_replicas_available{$s} > 0',
        },
        {
          title: 'DaemonSets',
          as: 'table',
          query: 'kube_daemonset_status_desired_number_scheduled{$s} - kube_daemonset_status_number_available{$s} > 0',
        },
        {
          title: 'StatefulSets',
          as: 'table',
          query: 'kube_statefulset_replicas{$s} - kube_statefulset_status_replicas_ready{$s} > 0',
        },
      ],
    },
    {
      title: 'Nodes',
      panels: [
        {
          title: 'Node conditions with problems',
          as: 'table',
          query: 'kube_node_status_condition{cluster=~"$cluster",condition!="Ready",status="true"} == 1',
        },
        { title: 'Versions', as: 'table', query: 'kube_node_info{cluster=~"$cluster"}' },
      ],
    },
  ],
};
