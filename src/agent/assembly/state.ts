import { groupRules } from '../../config/identity.ts';
import type { EventFeed } from '../../logs/event/event-feed.ts';
import { Scope } from '../../metrics/scope.ts';
import type { Components } from '../components.ts';
import type { Config } from '../config.ts';
import { storeOptionsOf } from '../receivers.ts';
import type { StateRole } from '../state-role.ts';
import type { AssemblyWorld } from './world.ts';

/**
 * The component that follows the state of the cluster, if this is a state agent. Throws ConfigError for a cluster that
 * can't be found.
 */
export async function stateComponent(
  config: Config,
  components: Components,
  world: AssemblyWorld,
  events: EventFeed | undefined,
): Promise<StateRole | undefined> {
  if (!config.collectors.ksm.enabled) return undefined;
  const { log, now, random, env, pushNow } = world;
  const { ksm, election } = await sharded(config, components, world);
  const { event } = config.collectors;
  const storeOptions = storeOptionsOf(config);
  return components.take(
    'ksm',
    {
      ksm,
      event,
      shipsEvents: events !== undefined,
      election,
      http: stateHttp(config),
      notesEnded: storeOptions.notesEnded,
      pushed: storeOptions.pushed,
      rules: groupRules(config).ksm,
    },
    async () => {
      const { createStateRole } = await import('../state-role.ts');
      return createStateRole({ ...config, election }, ksm, event, {
        scope: new Scope(),
        storeOptions,
        log,
        now,
        random,
        env,
        pushNow,
        onEvent: events && ((event, by) => events.publish([event, by, now() * 1000])),
      });
    },
    { start: (role) => role.start(), stop: (role) => role.stop() },
  );
}

/**
 * The settings of the state role of a pod whose StatefulSet determines its shard; one Lease per shard, as in the chart.
 */
async function sharded(
  { collectors: { ksm }, election }: Config,
  components: Components,
  { log, reassemble }: AssemblyWorld,
) {
  const { enabled, pod, podNamespace: namespace, kubeconfig, context } = ksm;
  if (!enabled || pod === undefined || namespace === undefined) return { ksm, election };
  const found = await components.take(
    'ksm.shard',
    { pod, namespace, kubeconfig, context },
    async () => {
      const { findShard } = await import('../state-role.ts');
      return findShard(ksm, { namespace, pod }, log, reassemble);
    },
    { start: (made) => made.start(), stop: (made) => made.stop() },
  );
  const { shard } = found.current;
  const lease = shard === 0 ? election.lease : `${election.lease}-${shard}`;
  return { ksm: { ...ksm, ...found.current }, election: { ...election, lease } };
}

/** The settings of the HTTP server that the state role uses. */
const stateHttp = ({ http: { podInfoTokenFile, podInfoTokenReview, tls } }: Config) => ({
  tls,
  podInfoTokenFile,
  podInfoTokenReview,
});
