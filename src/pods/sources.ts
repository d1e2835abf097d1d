import type { Log } from '../base/log.ts';
import { JsonClient } from '../net/json-client.ts';
import { kubeletSource } from './kubelet.ts';
import type { IdentityOptions } from './options.ts';
import { type IdentitySource, NO_PICKS, type PodPicks } from './source.ts';
import { stateSource } from './state-agents.ts';

/** The configured source; undefined for none. */
export async function createIdentitySource(
  options: IdentityOptions,
  nodeName: string,
  log: Log,
  picks: PodPicks = NO_PICKS,
): Promise<IdentitySource | undefined> {
  switch (options.source) {
    case 'state':
      return stateSource(new JsonClient(options), options.url ?? '', nodeName);
    case 'kubelet':
      return kubeletSource(options, picks);
    case 'apiserver': {
      // Loads the Kubernetes client, 25 MB that the other sources do without.
      const { apiserverSource } = await import('./apiserver.ts');
      return apiserverSource(options.kubeconfig, nodeName, picks, log);
    }
    case 'none':
      return undefined;
  }
}
