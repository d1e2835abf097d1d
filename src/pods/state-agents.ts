import { type NodePods, POD_INFO_PATH } from '../kube/pod-info.ts';
import type { JsonClient } from '../net/json-client.ts';
import type { IdentitySource } from './source.ts';

/** The state agents of the cluster at `url`, the name of their Service: any replica will do. */
export function stateSource(client: JsonClient, url: string, nodeName: string): IdentitySource {
  const target = `${url.replace(/\/+$/, '')}${POD_INFO_PATH}?nodeName=${encodeURIComponent(nodeName)}`;
  let etag: string | undefined;
  return {
    name: 'state',
    async pods(signal) {
      const response = await client.get(target, signal, etag);
      if (response.value === undefined) return undefined;
      if (!isNodePods(response.value)) throw new Error(`${target}: the response is not a list of pods`);
      etag = response.etag;
      return response.value.pods;
    },
    close: () => client.close(),
  };
}

/** The fields used are validated: an agent of another version, or another server, may have responded. */
function isNodePods(value: unknown): value is NodePods {
  const { pods } = (value ?? {}) as Partial<NodePods>;
  return (
    Array.isArray(pods) &&
    (pods as Partial<NodePods['pods'][number]>[]).every(
      ({ uid, namespace, name, containers }) =>
        [uid, namespace, name].every((text) => typeof text === 'string') &&
        Array.isArray(containers) &&
        containers.every(({ id, name: container }) => typeof id === 'string' && typeof container === 'string'),
    )
  );
}
