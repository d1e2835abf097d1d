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
import { collectorParts } from './assembly/collectors.ts';
import { exporterParts } from './assembly/exporters.ts';
import { httpPart } from './assembly/http.ts';
import { localPushParts } from './assembly/local-push.ts';
import { eventsPart, logsPart, trapsPart } from './assembly/logs.ts';
import { scrapePart } from './assembly/scrape.ts';
import { statePart } from './assembly/state.ts';
import { createTasks } from './assembly/tasks.ts';
import type { AssemblyWorld } from './assembly/world.ts';
import type { Config } from './config.ts';
import type { Parts } from './parts.ts';
import type { StateRole } from './state-role.ts';
import type { TaskParts } from './task-parts.ts';

/** Everything that is built from the configuration. */
export interface Assembly {
  readonly config: Config;
  /** The scopes of the collectors for the registry, in order. */
  readonly scopes: readonly Scope[];
  readonly exporters: readonly Exporter[];
  readonly pods: IdentityClient | undefined;
  readonly state: StateRole | undefined;
  readonly tasks: TaskParts | undefined;
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
 * Builds or takes over all `parts` that `config` and `plan` (its tasks and those of other sources) require; starts
 * none. Throws ConfigError for parts that can't be built.
 */
export async function assemble(
  config: Config,
  parts: Parts,
  world: AssemblyWorld,
  plan?: readonly TaskSettings[],
): Promise<Assembly> {
  const traps = await trapsPart(config, parts);
  const collectors = await collectorParts(config, parts, world, traps);
  const events = await eventsPart(config, parts);
  const state = await statePart(config, parts, world, events);
  const exporters = await exporterParts(config, parts, world, state);
  const tasks = plan && (await createTasks(config, parts, plan, collectors.host, world, state));
  const localPush = await localPushParts(config, parts, world);
  const { host, pods } = collectors;
  const scrape = await scrapePart(config, parts, world, pods);
  const logs = await logsPart(config, parts, world, { exporters, host, pods, traps, events });
  const http = await httpPart(config, parts, world);
  const { interval, phase } = config.push;
  const phaseMs = (phase === 'auto' ? nodePhaseMs(config.cluster ?? '', nodeName(config), interval) : phase) % interval;
  const { log, now, run, onSkip } = world;
  const schedule = await parts.take(
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
