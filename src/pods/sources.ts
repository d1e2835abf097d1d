import type { Log } from '../base/log.ts';
import { JsonClient } from '../net/json-client.ts';
import { kubeletSource } from './kubelet.ts';
import type { IdentityOptions } from './options.ts';
import type { IdentitySource } from './source.ts';
import { stateSource } from './state-agents.ts';

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
      const { apiserverSource } = await import('./apiserver.ts');
      return apiserverSource(options.kubeconfig, nodeName, log);
    }
    case 'none':
      return undefined;
  }
}
