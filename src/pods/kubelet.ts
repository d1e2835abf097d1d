import { type IdentityPod, podInfo } from '../kube/pod-info.ts';
import { JsonClient } from '../net/json-client.ts';
import type { IdentityOptions } from './options.ts';
import type { IdentitySource, PodPicks } from './source.ts';

const KUBELET_URL = 'https://127.0.0.1:10250';
const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** This node's kubelet; the service account needs permission to get nodes/pods (nodes/proxy before Kubernetes 1.33). */
export function kubeletSource(options: IdentityOptions, picks: PodPicks): IdentitySource {
  const client = new JsonClient({ ...options, tokenFile: options.tokenFile ?? SERVICE_ACCOUNT_TOKEN });
  const target = `${(options.url ?? KUBELET_URL).replace(/\/+$/, '')}/pods`;
  return {
    name: 'kubelet',
    async pods(signal) {
      const { value } = await client.get(target, signal);
      if (!isPodList(value)) throw new Error(`${target}: the response is not a list of pods`);
      return (value.items ?? []).map((pod) => podInfo(pod, picks.labels, picks.annotations));
    },
    close: () => client.close(),
  };
}

const isPodList = (value: unknown): value is { readonly items?: readonly IdentityPod[] | null } =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'PodList';
