// Cases that are neither in kube-state-metrics' cases nor in the recorded cluster.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullRenderer, linesOf, metadata, resourceNamed } from './kit.ts';

type Quirk = readonly [title: string, resource: string, object: object, prefix: string, lines: readonly string[]];

const rollingUpdate = (replicas: number | undefined) => ({
  spec: { replicas, strategy: { rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } } },
});

const quirks: readonly Quirk[] = [
  [
    'percentages of a rollout are rounded down for unavailable pods, up for surplus pods',
    'deployments',
    rollingUpdate(10),
    'kube_deployment_spec_strategy',
    [
      'kube_deployment_spec_strategy_rollingupdate_max_unavailable{namespace="ns",deployment="a"} 2',
      'kube_deployment_spec_strategy_rollingupdate_max_surge{namespace="ns",deployment="a"} 3',
    ],
  ],
  [
    'percentages of an unknown number of replicas are not exposed',
    'deployments',
    rollingUpdate(undefined),
    'kube_deployment_spec_strategy',
    [],
  ],
  [
    'ordinals without a start begin at 0',
    'statefulsets',
    { spec: { ordinals: {} } },
    'kube_statefulset_ordinals_start',
    ['kube_statefulset_ordinals_start{namespace="ns",statefulset="a"} 0'],
  ],
  [
    'an empty retention policy is not exposed',
    'statefulsets',
    { spec: { persistentVolumeClaimRetentionPolicy: {} } },
    'kube_statefulset_persistentvolumeclaim',
    [],
  ],
  [
    'a certificate is as long as its bytes, not as its base64 text',
    'certificatesigningrequests',
    { spec: { signerName: 's' }, status: { certificate: Buffer.from('four').toString('base64') } },
    'kube_certificatesigningrequest_cert_length',
    ['kube_certificatesigningrequest_cert_length{certificatesigningrequest="a",signer_name="s"} 4'],
  ],
  [
    'the annotation takes precedence over the field for the class of an ingress',
    'ingresses',
    {
      metadata: { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'old' } },
      spec: { ingressClassName: 'new' },
    },
    'kube_ingress_info',
    ['kube_ingress_info{namespace="ns",ingress="a",ingressclass="old"} 1'],
  ],
  [
    'a port given by name is port 0, and equal paths are exposed once',
    'ingresses',
    {
      spec: {
        rules: Array(2).fill({
          host: 'h',
          http: { paths: [{ path: '/', backend: { service: { name: 's', port: { name: 'web' } } } }] },
        }),
      },
    },
    'kube_ingress_path',
    [
      'kube_ingress_path{namespace="ns",ingress="a",host="h",path="/",path_type="",service_name="s",service_port="0"} 1',
    ],
  ],
  [
    'every TLS host of an ingress is exposed with its secret',
    'ingresses',
    { spec: { tls: [{ hosts: ['b', 'c'], secretName: 's' }, { secretName: 'unused' }] } },
    'kube_ingress_tls',
    [
      'kube_ingress_tls{namespace="ns",ingress="a",tls_host="b",secret="s"} 1',
      'kube_ingress_tls{namespace="ns",ingress="a",tls_host="c",secret="s"} 1',
    ],
  ],
  [
    'addresses without ports are not exposed',
    'endpoints',
    { subsets: [{ addresses: [{ ip: '10.0.0.1' }] }] },
    'kube_endpoint_address',
    [],
  ],
  [
    'an endpoint without addresses has no hints, and unset fields are empty',
    'endpointslices',
    { endpoints: [{ hints: { forZones: [{ name: 'z' }] } }, { addresses: ['10.0.0.1'] }] },
    'kube_endpointslice_endpoints',
    [
      'kube_endpointslice_endpoints{namespace="ns",endpointslice="a",ready="",serving="",hostname="",terminating="",' +
        'targetref_kind="",targetref_name="",targetref_namespace="",endpoint_nodename="",endpoint_zone="",' +
        'address="10.0.0.1"} 1',
    ],
  ],
  [
    'names of resources stay as they are, and amounts that are not quantities are omitted',
    'resourcequotas',
    { status: { hard: { 'requests.nvidia.com/gpu': '4', pods: 'many' }, used: null } },
    'kube_resourcequota{',
    ['kube_resourcequota{namespace="ns",resourcequota="a",resource="requests.nvidia.com/gpu",type="hard"} 4'],
  ],
  [
    'a network policy without a creation time has the zero time of Go',
    'networkpolicies',
    {},
    'kube_networkpolicy_created',
    ['kube_networkpolicy_created{namespace="ns",networkpolicy="a"} -62135596800'],
  ],
  [
    'by default a storage class deletes volumes and binds them immediately',
    'storageclasses',
    { provisioner: 'p' },
    'kube_storageclass_info',
    [
      'kube_storageclass_info{storageclass="a",provisioner="p",reclaim_policy="Delete",volume_binding_mode="Immediate"} 1',
    ],
  ],
  [
    'an account with an unset automountServiceAccountToken has an empty label',
    'serviceaccounts',
    {},
    'kube_serviceaccount_info',
    ['kube_serviceaccount_info{namespace="ns",serviceaccount="a",uid="",automount_token=""} 1'],
  ],
  [
    'labels of an attachment are exposed without an allowlist, even if there are none',
    'volumeattachments',
    {},
    'kube_volumeattachment_labels',
    ['kube_volumeattachment_labels{volumeattachment="a"} 1'],
  ],
  [
    'the address of a load balancer may be a name',
    'services',
    { status: { loadBalancer: { ingress: [{ hostname: 'lb.example' }] } } },
    'kube_service_status_load_balancer_ingress',
    ['kube_service_status_load_balancer_ingress{namespace="ns",service="a",uid="",ip="",hostname="lb.example"} 1'],
  ],
];

for (const [title, resource, object, prefix, lines] of quirks) {
  test(title, () => assert.deepEqual(linesOf(resource, object, prefix), lines));
}

test('a field of the wrong type affects only its metrics', () => {
  const malformed = { metadata, subsets: 5 };
  const { text, errors } = fullRenderer(resourceNamed('endpoints')).render(malformed);
  assert.deepEqual(
    errors.map(({ message }) => message.slice(0, message.indexOf(':'))),
    ['kube_endpoint_address', 'kube_endpoint_ports'],
  );
  assert.equal(text, 'kube_endpoint_info{namespace="ns",endpoint="a"} 1\n');
});

test('the contents of a secret are never exposed', () => {
  const secret = { metadata, type: 'Opaque', data: { key: 'c2VjcmV0' }, stringData: { key: 'c2VjcmV0' } };
  const { text } = fullRenderer(resourceNamed('secrets'), ['*'], ['*']).render(secret);
  assert.match(text, /kube_secret_type/);
  assert.doesNotMatch(text, /c2VjcmV0|key/);
});
