import { sleep } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { kubeClient } from '../kube/client.ts';
import { FailureLog } from '../kube/failure-log.ts';
import { type IdentityPod, type PodInfo, podInfo } from '../kube/pod-info.ts';
import { Reflector } from '../kube/reflector.ts';
import { REAL_TIMING } from '../kube/retry.ts';
import type { IdentitySource, PodPicks } from './source.ts';

/** How long the first list may take before its absence is reported. */
const FIRST_LIST_MS = 10_000;
const POLL_MS = 50;

/**
 * Watches the API server for the pods of this node. Every node agent then has its own watch, and its service account
 * needs permission to list and watch all pods.
 */
export function apiserverSource(
  kubeconfig: string | undefined,
  nodeName: string,
  picks: PodPicks,
  log: Log,
): IdentitySource {
  const client = kubeClient(kubeconfig === undefined ? {} : { kubeconfig });
  const pods = new Map<string, PodInfo>();
  let changed = true;
  const handler = {
    onUpsert(key: string, pod: IdentityPod) {
      pods.set(key, podInfo(pod, picks.labels, picks.annotations));
      changed = true;
    },
    onDelete(key: string) {
      changed = pods.delete(key) || changed;
    },
  };
  const source = { path: '/api/v1/pods', kind: 'Pod', skipsManagers: true, fieldSelector: `spec.nodeName=${nodeName}` };
  const reflector = new Reflector<IdentityPod>(
    client,
    source,
    handler,
    new FailureLog(log, REAL_TIMING.wallMs),
    REAL_TIMING,
  );
  reflector.start();
  return {
    name: 'apiserver',
    async pods(signal) {
      // The first list is in progress when the first request arrives: that is not a failure yet.
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(FIRST_LIST_MS)]);
      while (!reflector.synced && !deadline.aborted) await sleep(POLL_MS, signal);
      if (!reflector.synced) throw new Error('not ready: the pods of this node have not been listed yet');
      if (!changed) return undefined;
      changed = false;
      return [...pods.values()];
    },
    async close() {
      await reflector.stop();
      client.close();
    },
  };
}
