// Cases of pods, nodes, jobs and volumes that are neither in kube-state-metrics' cases nor in the recorded cluster.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from './kit.ts';

const POD = 'namespace="ns",pod="a",uid=""';

type Quirk = readonly [title: string, resource: string, object: object, prefix: string, lines: readonly string[]];

const quirks: readonly Quirk[] = [
  [
    'addresses of a pod: IPv4-mapped IPv6 is IPv4, text that is not an address is omitted',
    'pods',
    {
      status: {
        podIPs: [{ ip: '10.0.0.1' }, { ip: '::ffff:10.0.0.2' }, { ip: 'fd00::1' }, { ip: 'fe80::1%eth0' }, {}],
      },
    },
    'kube_pod_ips',
    [
      `kube_pod_ips{${POD},ip="10.0.0.1",ip_family="4"} 1`,
      `kube_pod_ips{${POD},ip="::ffff:10.0.0.2",ip_family="4"} 1`,
      `kube_pod_ips{${POD},ip="fd00::1",ip_family="6"} 1`,
    ],
  ],
  [
    'a container that was lost has no times; its start is then the zero time of Go',
    'pods',
    { status: { containerStatuses: [{ name: 'c', state: { terminated: { exitCode: 137, startedAt: null } } }] } },
    'kube_pod_container_state_started',
    [`kube_pod_container_state_started{${POD},container="c"} -62135596800`],
  ],
  [
    'a pod without an end of any container has no completion time',
    'pods',
    {
      status: {
        containerStatuses: [
          { name: 'a', state: { terminated: { finishedAt: null } } },
          { name: 'b', state: { running: {} } },
        ],
      },
    },
    'kube_pod_completion_time',
    [],
  ],
  [
    'an unknown reason is Other; reasons of conditions and containers only count if they are known',
    'pods',
    {
      status: {
        reason: 'Mystery',
        conditions: [{ type: 'Ready', reason: 'ContainersNotReady' }],
        containerStatuses: [{ state: { terminated: { reason: 'Evicted' } } }],
      },
    },
    'kube_pod_status_reason',
    [`kube_pod_status_reason{${POD},reason="Evicted"} 1`, `kube_pod_status_reason{${POD},reason="Other"} 1`],
  ],
  [
    'equal tolerations are exposed once',
    'pods',
    { spec: { tolerations: [{ operator: 'Exists' }, { operator: 'Exists' }, { key: 'k', tolerationSeconds: 0 }] } },
    'kube_pod_tolerations',
    [
      `kube_pod_tolerations{${POD},key="",operator="Exists",value="",effect="",toleration_seconds=""} 1`,
      `kube_pod_tolerations{${POD},key="k",operator="",value="",effect="",toleration_seconds="0"} 1`,
    ],
  ],
  [
    'a claim by template has the generated name, once it exists',
    'pods',
    {
      spec: {
        resourceClaims: [
          { name: 'gpu', resourceClaimTemplateName: 't' },
          { name: 'nic', resourceClaimTemplateName: 't' },
          { name: 'neither' },
        ],
      },
      status: { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'a-gpu-x1' }] },
    },
    'kube_pod_resourceclaim_info',
    [
      `kube_pod_resourceclaim_info{${POD},claim_name="gpu",resourceclaim_name="a-gpu-x1",resourceclaim_template_name="t"} 1`,
      `kube_pod_resourceclaim_info{${POD},claim_name="nic",resourceclaim_name="",resourceclaim_template_name="t"} 1`,
    ],
  ],
  [
    'amounts of a container: fractions of a core, whole bytes, devices; no other names, no unreadable amounts',
    'pods',
    {
      spec: {
        nodeName: 'n',
        containers: [
          {
            name: 'c',
            resources: {
              limits: {
                cpu: '1500u',
                memory: '100500m',
                'hugepages-2Mi': '4Mi',
                'example.com/gpu': '2',
                'kubernetes.io/x': '1',
                'requests.example.com/gpu': '1',
                'two/many/parts': '1',
                pods: '3',
                storage: 'lots',
              },
            },
          },
        ],
      },
    },
    'kube_pod_container_resource_limits',
    [
      `kube_pod_container_resource_limits{${POD},container="c",node="n",resource="cpu",unit="core"} 0.002`,
      `kube_pod_container_resource_limits{${POD},container="c",node="n",resource="memory",unit="byte"} 101`,
      `kube_pod_container_resource_limits{${POD},container="c",node="n",resource="hugepages_2Mi",unit="byte"} 4194304`,
      `kube_pod_container_resource_limits{${POD},container="c",node="n",resource="example_com_gpu",unit="integer"} 2`,
    ],
  ],
  [
    'a node has thousandths of any amount and counts pods',
    'nodes',
    { status: { capacity: { memory: '100500m', pods: '110' } } },
    'kube_node_status_capacity',
    [
      'kube_node_status_capacity{node="a",resource="memory",unit="byte"} 100.5',
      'kube_node_status_capacity{node="a",resource="pods",unit="integer"} 110',
    ],
  ],
  [
    'a namespace without a phase is in neither',
    'namespaces',
    {},
    'kube_namespace_status_phase',
    [
      'kube_namespace_status_phase{namespace="a",phase="Active"} 0',
      'kube_namespace_status_phase{namespace="a",phase="Terminating"} 0',
    ],
  ],
  [
    'a job that failed for an unknown reason has its count without a reason',
    'jobs',
    { status: { failed: 3, conditions: [{ type: 'Failed', status: 'True', reason: 'PodFailurePolicy' }] } },
    'kube_job_status_failed',
    [
      'kube_job_status_failed{namespace="ns",job_name="a",reason="BackoffLimitExceeded"} 0',
      'kube_job_status_failed{namespace="ns",job_name="a",reason="DeadlineExceeded"} 0',
      'kube_job_status_failed{namespace="ns",job_name="a",reason="Evicted"} 0',
      'kube_job_status_failed{namespace="ns",job_name="a",reason=""} 3',
    ],
  ],
  [
    'a cron job with a zone that does not exist has an invalid schedule and no next time',
    'cronjobs',
    { spec: { schedule: '0 0 * * *', timeZone: 'Mars/Olympus' }, status: { lastScheduleTime: '2026-03-28T12:00:00Z' } },
    'kube_cronjob_schedule_invalid',
    ['kube_cronjob_schedule_invalid{namespace="ns",cronjob="a"} 1'],
  ],
  [
    'a suspended cron job has no next time',
    'cronjobs',
    { spec: { schedule: '0 0 * * *', suspend: true }, status: { lastScheduleTime: '2026-03-28T12:00:00Z' } },
    'kube_cronjob_next',
    [],
  ],
  [
    'an autoscaler of a target without version has no label for it, and a minimum of 1',
    'horizontalpodautoscalers',
    { spec: { scaleTargetRef: { kind: 'Foo', name: 'f' }, maxReplicas: 3 } },
    'kube_horizontalpodautoscaler_info',
    [
      'kube_horizontalpodautoscaler_info{namespace="ns",horizontalpodautoscaler="a",scaletargetref_kind="Foo",scaletargetref_name="f"} 1',
    ],
  ],
  [
    'a metric of unknown type, or without its source, is omitted',
    'horizontalpodautoscalers',
    { status: { currentMetrics: [{ type: 'Psychic' }, { type: 'Resource' }, { type: 'Pods', pods: { metric: {} } }] } },
    'kube_horizontalpodautoscaler_status_target_metric',
    [],
  ],
  [
    'a tolerance is exposed exactly',
    'horizontalpodautoscalers',
    { spec: { behavior: { scaleUp: { tolerance: '1500u' } } } },
    'kube_horizontalpodautoscaler_spec_behavior',
    [
      'kube_horizontalpodautoscaler_spec_behavior_scale_up_tolerance{namespace="ns",horizontalpodautoscaler="a"} 0.0015',
    ],
  ],
  [
    'a volume without capacity has none',
    'persistentvolumes',
    { spec: {} },
    'kube_persistentvolume_capacity_bytes',
    ['kube_persistentvolume_capacity_bytes{persistentvolume="a"} 0'],
  ],
  [
    "a lease's time loses its microseconds",
    'leases',
    { spec: { renewTime: '2026-03-28T12:00:00.999999Z' } },
    'kube_lease_renew_time',
    ['kube_lease_renew_time{lease="a",namespace="ns"} 1774699200'],
  ],
];

for (const [title, resource, object, prefix, lines] of quirks) {
  test(title, () => assert.deepEqual(linesOf(resource, object, prefix), lines));
}
