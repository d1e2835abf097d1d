import { join } from 'node:path';
import { Gauge } from 'prom-client';
import { errorText } from '../base/error-text.ts';
import { type Log, recentTroubles } from '../base/log.ts';
import { ConfigError } from '../config/config-error.ts';
import { nodeName, targets } from '../config/identity.ts';
import { printable } from '../config/print.ts';
import { LOG_LEVELS } from '../config/schema.ts';
import { VERSION } from '../config/version.ts';
import { apiRoutes } from '../http/api.ts';
import { controlRoutes } from '../http/control.ts';
import { EventStream } from '../http/events.ts';
import type { Routes } from '../http/message.ts';
import { pageRoutes } from '../http/page-files.ts';
import type { ReloadView, StatusView } from '../http/status-view.ts';
import type { SeriesBudget } from '../metrics/budget.ts';
import type { AgentRegistry } from '../metrics/registry.ts';
import type { CycleReport } from '../push/cycle.ts';
import { nextTickMs } from '../push/phase.ts';
import { collectorId, runView } from '../status/collectors.ts';
import { Disables, MAX_DISABLE_MS } from '../status/disables.ts';
import { LogLevel } from '../status/log-level.ts';
import { Status } from '../status/status.ts';
import type { Assembly } from './assembly.ts';
import type { Config } from './config.ts';
import type { Reloaded } from './reload.ts';
import { residentBytes, type SelfMetrics } from './self-metrics.ts';

/** The data of the status page and the API. */
interface StatusApiWorld {
  readonly registry: AgentRegistry;
  readonly budget: SeriesBudget;
  readonly self: SelfMetrics;
  readonly log: Log;
  readonly now: () => number;
  /** The active configuration, or the first one while the agent starts. */
  readonly config: () => Config;
  /** The assembly of the active configuration; undefined until startup has built it. */
  readonly current: () => Assembly;
  /** How long a collector may take, milliseconds. */
  readonly deadlineMs: () => number;
  readonly reload: () => Promise<Reloaded>;
}

/** The status page and the API, with the data of the agent. */
export interface StatusApi {
  readonly routes: Routes;
  readonly disables: Disables;
  /** Reads which collectors an earlier process disabled. */
  start(): Promise<void>;
  /** Notifies observers of the status that it has changed. */
  changed(): void;
  cycleEnded(report: CycleReport, durationSeconds: number): void;
  cycleSkipped(): void;
  /** The log level is the configured one again. */
  resetLogLevel(): void;
  /** Records the result of a reload; settles like it. */
  noted(reload: Promise<Reloaded>): Promise<Reloaded>;
}

/** Builds them, and makes `registry` skip disabled collectors. */
export function createStatusApi(world: StatusApiWorld): StatusApi {
  const { registry, log, now, current } = world;
  const disables = new Disables({ file: () => stateFileOf(world.config()), now, log });
  registry.gate = (group, name) => disables.get(collectorId({ group, name }))?.reason;
  const logLevel = new LogLevel(log, now, () => world.config().log.level);
  const status = new Status({
    now,
    disables,
    collectors: () => registry.allProducers,
    prepared: () => registry.allPrepared,
    exporters: () => current().exporters,
    process: () => world.self.use,
    collectorOf: (family, group) => registry.collectorOf(family, group),
    budgets: () => world.budget.states,
    cycle() {
      const { config, phaseMs } = current();
      const { interval } = config.push;
      return { intervalSeconds: interval / 1000, nextMs: nextTickMs(now(), interval, phaseMs) };
    },
    rest: restOf(world, logLevel),
  });
  const events = new EventStream('status', () => status.view());
  const changed = (id: string) => {
    events.publish();
    return status.collector(id);
  };
  const controls = {
    now,
    logLevels: LOG_LEVELS,
    maxTtlMs: MAX_DISABLE_MS,
    async run(id: string) {
      const known = status.collector(id);
      if (known === undefined) return undefined;
      const startedMs = now();
      const result = await registry.runAlone(known.group, known.name, world.deadlineMs());
      if (result === undefined) return 'busy' as const;
      status.ranAlone(startedMs, result);
      const collector = changed(id);
      return collector && { collector, run: runView(result) };
    },
    async disable(id: string, ttlMs: number, reason: string) {
      if (status.collector(id)) await disables.disable(id, ttlMs, reason);
      return changed(id);
    },
    async enable(id: string) {
      if (status.collector(id)) await disables.enable(id);
      return changed(id);
    },
    setLogLevel(level: string, ttlMs: number | undefined) {
      logLevel.set(level, ttlMs);
      events.publish();
      return logLevel.view;
    },
    reload: () => world.reload().then(({ applied }): ReloadView => ({ applied }), refusalOf),
  };
  const source = {
    now,
    status: () => status.view(),
    collectors: () => status.collectors(),
    troubles: () => recentTroubles(log),
    families: status.explorer.families.bind(status.explorer),
    series: status.explorer.series.bind(status.explorer),
  };
  const noted = (view: ReloadView) => {
    status.reloaded(view);
    events.publish();
  };
  return {
    routes: { ...pageRoutes(), ...apiRoutes(source), '/v1/events': events.endpoint, ...controlRoutes(controls) },
    cycleEnded(report, durationSeconds) {
      status.cycleEnded(report, durationSeconds);
      events.publish();
    },
    disables,
    async start() {
      const isUsable = await disables.start();
      const damaged = new Gauge({
        name: 'firesteel_disabled_collectors_file_damaged',
        help: '1 if the file with the disabled collectors was unusable at startup.',
        registers: [registry],
      });
      damaged.set(isUsable ? 0 : 1);
    },
    changed: () => events.publish(),
    cycleSkipped: () => status.cycleSkipped(),
    resetLogLevel: () => logLevel.reset(),
    async noted(reload) {
      try {
        const reloaded = await reload;
        noted({ applied: reloaded.applied });
        return reloaded;
      } catch (cause) {
        noted(refusalOf(cause));
        throw cause;
      }
    },
  };
}

/** File that stores disabled collectors. No exporter's folder begins with a dot. */
const stateFileOf = ({ http, spool }: Config): string | undefined =>
  http.stateFile ?? (spool.path === undefined ? undefined : join(spool.path, '.disabled-collectors.json'));

/** The part of the status that needs no computation. */
function restOf({ self, now, current }: StatusApiWorld, logLevel: LogLevel) {
  const startedMs = Math.round(now() - process.uptime() * 1000);
  return (): Pick<
    StatusView,
    'agent' | 'election' | 'identity' | 'scrape' | 'logs' | 'control' | 'config' | 'tasks'
  > => {
    const { config, pods, scrape, logs, state, tasks } = current();
    return {
      agent: {
        version: VERSION,
        runtime: process.version,
        node: nodeName(config),
        ...(config.cluster !== undefined && { cluster: config.cluster }),
        startedMs,
        rssBytes: residentBytes() ?? 0,
        eventLoopLagSeconds: self.lagSeconds,
        log: logLevel.view,
        targets: Object.fromEntries(
          Object.entries(targets(config)).map(([group, { job, instance, labels }]) => [
            group,
            { ...(job !== undefined && { job }), ...(instance !== undefined && { instance }), ...labels },
          ]),
        ),
      },
      ...(state && { election: state.election.status }),
      ...(pods && { identity: pods.status }),
      ...(tasks && { tasks: tasks.runner.views() }),
      ...(scrape && { scrape: scrape.status }),
      ...(logs && { logs: logs.status() }),
      control: { enabled: config.http.controlTokenFile !== undefined, reload: true },
      config: printable(config),
    };
  };
}

const refusalOf = (cause: unknown): ReloadView => ({
  applied: [],
  refused: cause instanceof ConfigError ? cause.problems : [errorText(cause)],
});
