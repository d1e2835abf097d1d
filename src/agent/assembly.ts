import { monotonicMs } from '../base/clock.ts';
import { nodeName } from '../config/identity.ts';
import type { Exporter } from '../exporters/exporter.ts';
import type { HttpServer } from '../http/server.ts';
import type { LocalPush } from '../local-push/routes.ts';
import type { LogsRole } from '../logs/role.ts';
import type { Scope } from '../metrics/scope.ts';
import type { IdentityClient } from '../pods/client.ts';
import { nodePhaseMs } from '../push/phase.ts';
import { Schedule } from '../push/schedule.ts';
import type { ScrapeRole } from '../scrape/role.ts';
import type { TaskSettings } from '../tasks/settings.ts';
import { collectorComponents } from './assembly/collectors.ts';
import { exporterComponents } from './assembly/exporters.ts';
import { httpComponent } from './assembly/http.ts';
import { localPushComponents } from './assembly/local-push.ts';
import { eventsComponent, logsComponent, trapsComponent } from './assembly/logs.ts';
import { scrapeComponent } from './assembly/scrape.ts';
import { stateComponent } from './assembly/state.ts';
import { createTasks } from './assembly/tasks.ts';
import type { AssemblyWorld } from './assembly/world.ts';
import type { Components } from './components.ts';
import type { Config } from './config.ts';
import type { StateRole } from './state-role.ts';
import type { TaskComponents } from './task-components.ts';

/** Everything that is built from the configuration. */
export interface Assembly {
  readonly config: Config;
  /** The scopes of the collectors for the registry, in order. */
  readonly scopes: readonly Scope[];
  readonly exporters: readonly Exporter[];
  readonly pods: IdentityClient | undefined;
  readonly state: StateRole | undefined;
  readonly tasks: TaskComponents | undefined;
  readonly localPush: LocalPush | undefined;
  /** The local scrape. */
  readonly scrape: ScrapeRole | undefined;
  /** Shipping of log entries. */
  readonly logs: LogsRole | undefined;
  readonly http: HttpServer | undefined;
  readonly schedule: Schedule;
  readonly phaseMs: number;
}

/**
 * Builds or takes over all `components` that `config` and `plan` (its tasks and those of other sources) require; starts
 * none. Throws ConfigError for components that can't be built.
 */
export async function assemble(
  config: Config,
  components: Components,
  world: AssemblyWorld,
  plan?: readonly TaskSettings[],
): Promise<Assembly> {
  const traps = await trapsComponent(config, components);
  const collectors = await collectorComponents(config, components, world, traps);
  const events = await eventsComponent(config, components);
  const state = await stateComponent(config, components, world, events);
  const exporters = await exporterComponents(config, components, world, state);
  const tasks = plan && (await createTasks(config, components, plan, collectors.host, world, state));
  const localPush = await localPushComponents(config, components, world);
  const { host, pods } = collectors;
  const scrape = await scrapeComponent(config, components, world, pods);
  const logs = await logsComponent(config, components, world, { exporters, host, pods, traps, events });
  const http = await httpComponent(config, components, world);
  const { interval, phase } = config.push;
  const phaseMs = (phase === 'auto' ? nodePhaseMs(config.cluster ?? '', nodeName(config), interval) : phase) % interval;
  const { log, now, run, onSkip } = world;
  const schedule = await components.take(
    'push',
    { interval, phaseMs },
    () => {
      return new Schedule({ intervalMs: interval, phaseMs, now, monotonicMs, log, run, onSkip });
    },
    { start: (made) => made.start(), stop: async (made) => void (await made.stop()) },
  );
  const scopes = [
    ...collectors.scopes,
    ...(scrape ? [scrape.scope] : []),
    ...(state ? [state.scope] : []),
    ...(tasks?.scopes ?? []),
    ...(localPush ? [localPush.scope] : []),
    ...(logs ? [logs.scope] : []),
  ];
  return { config, scopes, exporters, pods, scrape, logs, state, tasks, localPush, http, schedule, phaseMs };
}
