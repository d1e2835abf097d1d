const AT = '2026-01-01T00:00:00Z';
const SECONDS = 1_767_225_600;
/** Of each object, unless it has its own. */
export const metadata = {
  name: 'a',
  namespace: 'ns',
  uid: 'u',
  creationTimestamp: AT,
  deletionTimestamp: AT,
  labels: { 'app.kubernetes.io/name': 'web' },
  annotations: { note: 'say "hi"' },
};
/** Of resources without namespaces. */
const clusterWide = { ...metadata, namespace: undefined };

/**
 * Samples of families that are neither in kube-state-metrics' cases nor in the recorded cluster, from the documentation of
 * the API and of kube-state-metrics. A resource may have several objects.
 */
export const EXPECTED: readonly (readonly [resource: string, object: object, samples: readonly string[]])[] = [
  [
    'certificatesigningrequests',
    { metadata: clusterWide, spec: { signerName: 's' } },
    [
      'kube_certificatesigningrequest_annotations{certificatesigningrequest="a",signer_name="s",annotation_note="say \\"hi\\""} 1',
      'kube_certificatesigningrequest_labels{certificatesigningrequest="a",signer_name="s",label_app_kubernetes_io_name="web"} 1',
    ],
  ],
  [
    'endpointslices',
    {},
    ['kube_endpointslice_annotations{namespace="ns",endpointslice="a",annotation_note="say \\"hi\\""} 1'],
  ],
  [
    'horizontalpodautoscalers',
    { spec: { behavior: { scaleUp: { tolerance: '50m' }, scaleDown: { tolerance: '0.1' } } } },
    [
      'kube_horizontalpodautoscaler_spec_behavior_scale_down_tolerance{namespace="ns",horizontalpodautoscaler="a"} 0.1',
      'kube_horizontalpodautoscaler_spec_behavior_scale_up_tolerance{namespace="ns",horizontalpodautoscaler="a"} 0.05',
    ],
  ],
  [
    'ingressclasses',
    { metadata: clusterWide },
    [
      `kube_ingressclass_created{ingressclass="a"} ${SECONDS}`,
      'kube_ingressclass_labels{ingressclass="a",label_app_kubernetes_io_name="web"} 1',
    ],
  ],
  [
    'ingresses',
    { spec: { tls: [{ hosts: ['x.example', 'y.example'], secretName: 't' }] } },
    [
      'kube_ingress_tls{namespace="ns",ingress="a",tls_host="x.example",secret="t"} 1',
      'kube_ingress_tls{namespace="ns",ingress="a",tls_host="y.example",secret="t"} 1',
    ],
  ],
  ['jobs', {}, ['kube_job_annotations{namespace="ns",job_name="a",annotation_note="say \\"hi\\""} 1']],
  ...[
    'mutatingadmissionpolicy',
    'mutatingadmissionpolicybinding',
    'mutatingwebhookconfiguration',
    'validatingadmissionpolicy',
    'validatingadmissionpolicybinding',
    'validatingwebhookconfiguration',
  ].map((kind): readonly [string, object, readonly string[]] => [
    kind.endsWith('policy') ? kind.replace(/y$/, 'ies') : `${kind}s`,
    { metadata: clusterWide },
    [`kube_${kind}_created{namespace="",${kind}="a"} ${SECONDS}`],
  ]),
  [
    'namespaces',
    { metadata: clusterWide },
    ['kube_namespace_annotations{namespace="a",annotation_note="say \\"hi\\""} 1'],
  ],
  [
    'networkpolicies',
    {},
    ['kube_networkpolicy_annotations{namespace="ns",networkpolicy="a",annotation_note="say \\"hi\\""} 1'],
  ],
  [
    'nodes',
    {
      metadata: clusterWide,
      spec: {
        taints: [
          { key: 'k', value: 'v', effect: 'NoSchedule' },
          { key: 'only', effect: 'NoExecute' },
        ],
      },
    },
    [
      'kube_node_annotations{node="a",annotation_note="say \\"hi\\""} 1',
      `kube_node_deletion_timestamp{node="a"} ${SECONDS}`,
      'kube_node_spec_taint{node="a",key="k",value="v",effect="NoSchedule"} 1',
      'kube_node_spec_taint{node="a",key="only",value="",effect="NoExecute"} 1',
    ],
  ],
  [
    'persistentvolumeclaims',
    {},
    [`kube_persistentvolumeclaim_deletion_timestamp{namespace="ns",persistentvolumeclaim="a"} ${SECONDS}`],
  ],
  [
    'persistentvolumes',
    { metadata: clusterWide },
    [
      'kube_persistentvolume_annotations{persistentvolume="a",annotation_note="say \\"hi\\""} 1',
      `kube_persistentvolume_deletion_timestamp{persistentvolume="a"} ${SECONDS}`,
    ],
  ],
  [
    'pods',
    {
      spec: { overhead: { cpu: '250m', memory: '120Mi' }, runtimeClassName: 'gvisor' },
      status: {
        initContainerStatuses: [
          { name: 'i', lastState: { terminated: { reason: 'OOMKilled', exitCode: 137, finishedAt: AT } } },
          { name: 'w', state: { waiting: { reason: 'CrashLoopBackOff' } } },
        ],
      },
    },
    [
      'kube_pod_overhead_cpu_cores{namespace="ns",pod="a",uid="u"} 0.25',
      'kube_pod_overhead_memory_bytes{namespace="ns",pod="a",uid="u"} 125829120',
      'kube_pod_runtimeclass_name_info{namespace="ns",pod="a",uid="u",runtimeclass_name="gvisor"} 1',
      'kube_pod_init_container_status_last_terminated_reason{namespace="ns",pod="a",uid="u",container="i",reason="OOMKilled"} 1',
      'kube_pod_init_container_status_last_terminated_exitcode{namespace="ns",pod="a",uid="u",container="i"} 137',
      `kube_pod_init_container_status_last_terminated_timestamp{namespace="ns",pod="a",uid="u",container="i"} ${SECONDS}`,
      'kube_pod_init_container_status_waiting_reason{namespace="ns",pod="a",uid="u",container="w",reason="CrashLoopBackOff"} 1',
      `kube_pod_deletion_timestamp{namespace="ns",pod="a",uid="u"} ${SECONDS}`,
      'kube_pod_annotations{namespace="ns",pod="a",uid="u",annotation_note="say \\"hi\\""} 1',
    ],
  ],
  ['replicasets', {}, ['kube_replicaset_annotations{namespace="ns",replicaset="a",annotation_note="say \\"hi\\""} 1']],
  ['secrets', {}, ['kube_secret_annotations{namespace="ns",secret="a",annotation_note="say \\"hi\\""} 1']],
  [
    'serviceaccounts',
    {},
    ['kube_serviceaccount_annotations{namespace="ns",serviceaccount="a",uid="u",annotation_note="say \\"hi\\""} 1'],
  ],
  [
    'services',
    { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { hostname: 'lb.example' }] } } },
    [
      'kube_service_annotations{namespace="ns",service="a",uid="u",annotation_note="say \\"hi\\""} 1',
      'kube_service_status_load_balancer_ingress{namespace="ns",service="a",uid="u",ip="192.0.2.1",hostname=""} 1',
      'kube_service_status_load_balancer_ingress{namespace="ns",service="a",uid="u",ip="",hostname="lb.example"} 1',
    ],
  ],
  [
    'statefulsets',
    { spec: { ordinals: { start: 3 } } },
    [
      'kube_statefulset_ordinals_start{namespace="ns",statefulset="a"} 3',
      'kube_statefulset_annotations{namespace="ns",statefulset="a",annotation_note="say \\"hi\\""} 1',
    ],
  ],
  [
    'storageclasses',
    { metadata: clusterWide },
    [
      'kube_storageclass_annotations{storageclass="a",annotation_note="say \\"hi\\""} 1',
      'kube_storageclass_labels{storageclass="a",label_app_kubernetes_io_name="web"} 1',
    ],
  ],
  ['volumeattachments', { metadata: clusterWide }, [`kube_volumeattachment_created{volumeattachment="a"} ${SECONDS}`]],
];
