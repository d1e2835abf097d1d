import { podNames } from '../../collectors/catalogue.ts';
import { nodeName, targets } from '../../config/identity.ts';
import type { Exporter } from '../../exporters/exporter.ts';
import type { Host } from '../../host/host.ts';
import type { EventFeed, ObservedEvent } from '../../logs/event/event-feed.ts';
import type { LogsRole } from '../../logs/role.ts';
import type { Arrival, TrapFeed } from '../../logs/snmp/trap-feed.ts';
import { wantedSources } from '../../logs/sources.ts';
import type { IdentityClient } from '../../pods/client.ts';
import type { Components } from '../components.ts';
import type { Config } from '../config.ts';
import type { AssemblyWorld } from './world.ts';

/** The components of shipping. */
interface LogsInputs {
  readonly exporters: readonly Exporter[];
  readonly host: Host;
  readonly pods: IdentityClient | undefined;
  readonly traps: TrapFeed | undefined;
  readonly events: EventFeed | undefined;
}

/** Passes traps of the collector `snmp` to the lanes that ship them; undefined, and nothing loaded, if none does. */
export async function trapsComponent(
  { logs, collectors }: Config,
  components: Components,
): Promise<TrapFeed | undefined> {
  if (!logs.snmp.enabled || !collectors.snmp.enabled) return undefined;
  return components.take('traps', true, async () => new (await import('../../logs/feed.ts')).Feed<Arrival>());
}

/** Passes events that the leader counts to the lanes that ship them; undefined, and nothing loaded, if none does. */
export async function eventsComponent(
  { logs, collectors }: Config,
  components: Components,
): Promise<EventFeed | undefined> {
  if (!logs.events.enabled || !collectors.ksm.enabled || !collectors.event.enabled) return undefined;
  return components.take('events', true, async () => new (await import('../../logs/feed.ts')).Feed<ObservedEvent>());
}

/** Shipping of log entries; undefined, and nothing loaded, without a source or a receiver. */
export async function logsComponent(
  config: Config,
  components: Components,
  { log, now }: AssemblyWorld,
  { exporters, host, pods, traps, events }: LogsInputs,
): Promise<LogsRole | undefined> {
  const { logs, paths, cluster, labels, spool } = config;
  const receivers = exporters.flatMap(({ name, entries }) => (entries ? [{ name, sink: entries }] : []));
  const { log: rules } = config.collectors;
  const shippedByRule = rules.enabled ? rules.files.filter((one) => one.rules.some(({ ship }) => ship)) : [];
  const isWanted = wantedSources(logs, shippedByRule).length > 0;
  if (isWanted !== receivers.length > 0) {
    log.warn(
      isWanted
        ? 'logs: no exporter accepts log entries: configure one of type journald, victorialogs, loki or elasticsearch'
        : 'logs: an exporter accepts log entries, but no source under logs and no rule of collectors.log with ship is enabled',
    );
  }
  if (!isWanted || receivers.length === 0) return undefined;
  const node = nodeName(config);
  const of = { node, ...(cluster !== undefined && { cluster }), ...labels };
  // Includes the settings of the exporters: a replaced receiver replaces its lanes as well.
  const settings = receivers.map(({ name }) => config.exporters[name]);
  const { identity } = config.collectors.container;
  return components.take(
    'logs',
    {
      logs,
      shippedByRule,
      paths,
      of,
      spool,
      settings,
      targets: targets(config),
      identity,
      isNaming: pods !== undefined,
    },
    async () => {
      const { LogsRole: Role } = await import('../../logs/role.ts');
      const names = pods && podNames(pods);
      const world = { logs, shippedByRule, host, log, now, labels: of, names, traps, events };
      return Role.create(world, receivers, spool.path);
    },
    { start: (role) => role.start(), stop: (role) => role.stop() },
  );
}
