import type { Log } from '../../log.ts';
import { kubeletSource } from './identity-kubelet.ts';
import type { IdentityOptions } from './identity-options.ts';
import type { IdentitySource } from './identity-source.ts';
import { stateSource } from './identity-state.ts';
import { JsonClient } from './json-client.ts';

/** The source that is configured; undefined for none. */
export async function createIdentitySource(
  options: IdentityOptions,
  nodeName: string,
  log: Log,
): Promise<IdentitySource | undefined> {
  switch (options.source) {
    case 'state':
      return stateSource(new JsonClient(options), options.url ?? '', nodeName);
    case 'kubelet':
      return kubeletSource(options);
    case 'apiserver': {
      // Loads the Kubernetes client, 25 MB that the other sources do without.
      const { apiserverSource } = await import('./identity-apiserver.ts');
      return apiserverSource(options.kubeconfig, nodeName, log);
    }
    case 'none':
      return undefined;
  }
}
