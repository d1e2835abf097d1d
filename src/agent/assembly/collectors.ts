import { isDeepStrictEqual } from 'node:util';
import { createHostProducers, createLogProducers, HOST_GROUP_NAMES, openLogState } from '../../collectors/catalogue.ts';
import type { World } from '../../collectors/collector.ts';
import { wantsLog } from '../../collectors/log/section.ts';
import { ConfigError } from '../../config/config-error.ts';
import { nodeName } from '../../config/identity.ts';
import { Host } from '../../host/host.ts';
import type { Arrival, TrapFeed } from '../../logs/snmp/trap-feed.ts';
import { type Producer, Scope } from '../../metrics/scope.ts';
import type { IdentityClient } from '../../pods/client.ts';
import type { Components } from '../components.ts';
import type { Config } from '../config.ts';
import { namesComponent } from './pod-names.ts';
import type { AssemblyWorld } from './world.ts';

/** The collectors of this host, one component per group, and the client for the names of its pods. */
export async function collectorComponents(
  config: Config,
  components: Components,
  world: AssemblyWorld,
  traps: TrapFeed | undefined,
) {
  const { now } = world;
  const { paths, collectors } = config;
  const { identity } = collectors.container;
  const node = nodeName(config);
  const host = await components.take('paths', paths, () => new Host(paths));
  const names = await namesComponent(config, components, world);
  const scopes = names ? [names.scope] : [];
  const collectorWorld = { host, now, nodeName: config.node };
  for (const group of HOST_GROUP_NAMES) {
    const section = collectors[group];
    const inputs = {
      section,
      paths,
      node,
      ...(group === 'node' ? {} : { identity, wantsNames: names !== undefined }),
    };
    scopes.push(
      await components.take(`collectors.${group}`, inputs, async (replaced: Scope | undefined) =>
        scopeOf(await createHostProducers(group, collectorWorld, collectors, names?.client), replaced),
      ),
    );
  }
  if (wantsLog(collectors)) scopes.push(await logScope(config, components, collectorWorld, names?.client, traps));
  return { host, scopes, pods: names?.client };
}

/** The collectors of the journal, kernel messages, log files and SNMP traps, as one component. */
async function logScope(
  config: Config,
  components: Components,
  world: World,
  pods: IdentityClient | undefined,
  traps: TrapFeed | undefined,
): Promise<Scope> {
  const { paths, collectors, spool } = config;
  const { journal, kernel, log: files, snmp, container } = collectors;
  if (files.enabled && files.containers.enabled && pods === undefined) {
    throw new ConfigError([
      'collectors.log.containers: pods of this node are found through collectors.container.identity.source, which is none: set it to state, kubelet or apiserver',
    ]);
  }
  const state = await components.take('log-state', spool.path, () => openLogState(spool.path), {
    stop: (one) => one.close(),
  });
  const inputs = {
    ...{ journal, kernel, files, snmp, paths, node: nodeName(config), state: spool.path },
    ...{ identity: container.identity, wantsNames: pods !== undefined, wantsTraps: traps !== undefined },
  };
  const onTrap = traps && ((...arrival: Arrival) => traps.publish(arrival));
  return components.take('collectors.log', inputs, async () =>
    scopeOf(await createLogProducers(world, collectors, state, pods, onTrap), undefined),
  );
}

/** A scope with these producers; those that `replaced` had with the same settings are kept, with their state. */
function scopeOf(producers: readonly Producer[], replaced: Scope | undefined): Scope {
  const scope = new Scope();
  for (const producer of producers) {
    const same = replaced?.producers.find(
      ({ name, settings }) =>
        name === producer.name && settings !== undefined && isDeepStrictEqual(settings, producer.settings),
    );
    scope.addProducer(same ?? producer);
  }
  return scope;
}
