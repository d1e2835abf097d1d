import { isMapping } from '../base/records.ts';
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
const isNodePods = (value: unknown): value is NodePods =>
  isMapping(value) && Array.isArray(value.pods) && value.pods.every(isPod);

const isPod = (pod: unknown): boolean =>
  hasTexts(pod, ['uid', 'namespace', 'name']) &&
  Array.isArray(pod.containers) &&
  pod.containers.every((container) => hasTexts(container, ['id', 'name']));

const hasTexts = (value: unknown, keys: readonly string[]): value is Readonly<Record<string, unknown>> =>
  isMapping(value) && keys.every((key) => typeof value[key] === 'string');
