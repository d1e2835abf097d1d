import { hostname } from 'node:os';
import { ConfigError } from '../../config/config-error.ts';
import { groupRules, nodeName, targets } from '../../config/identity.ts';
import { isScraping, wantsPods } from '../../config/scrape-schema.ts';
import type { IdentityClient } from '../../pods/client.ts';
import type { ScrapeRole } from '../../scrape/role.ts';
import type { Components } from '../components.ts';
import type { Config } from '../config.ts';
import { relabelingsOf } from '../receivers.ts';
import { pickedOf } from './pod-names.ts';
import type { AssemblyWorld } from './world.ts';

/** The local scrape, if anything is scraped; otherwise its code is not loaded. */
export async function scrapeComponent(
  config: Config,
  components: Components,
  { log, now, env }: AssemblyWorld,
  pods: IdentityClient | undefined,
): Promise<ScrapeRole | undefined> {
  const { scrape } = config;
  if (!isScraping(scrape)) return undefined;
  if (wantsPods(scrape) && pods === undefined) {
    throw new ConfigError([
      'scrape: pods of this node are found through collectors.container.identity.source, which is none: set it to state, kubelet or apiserver',
    ]);
  }
  const { cluster = '' } = config;
  const node = nodeName(config);
  const { scrape: rules } = groupRules(config);
  const pushed = new Set(Object.keys(targets(config).scrape.labels));
  const { identity } = config.collectors.container;
  const inputs = { scrape, cluster, node, rules, pushed, identity, picks: pickedOf(config) };
  return components.take(
    'scrape',
    inputs,
    async () => {
      const { ScrapeRole } = await import('../../scrape/role.ts');
      return new ScrapeRole(scrape, {
        log,
        now,
        cluster,
        node,
        pods: pods && (() => pods.pods),
        ownPod: env.POD_NAME ?? hostname(),
        pushed,
        relabeling: relabelingsOf(config).scrape,
      });
    },
    { start: (role) => role.start(), stop: (role) => role.stop() },
  );
}
