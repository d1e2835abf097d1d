import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, ThrottledLog } from '../base/log.ts';
import { nodeReport } from '../collectors/node/report.ts';
import { nodeName } from '../config/identity.ts';
import { VERSION } from '../config/version.ts';
import { exportMetrics } from '../exporters/metrics.ts';
import type { Route } from '../http/message.ts';
import { routes } from '../http/routes.ts';
import { SeriesBudget } from '../metrics/budget.ts';
import { GROUPS } from '../metrics/group.ts';
import { AgentRegistry } from '../metrics/registry.ts';
import { selfMetrics } from '../metrics/self.ts';
import { PushCycle } from '../push/cycle.ts';
import { cycleMetrics } from '../push/metrics.ts';
import { type Assembly, type AssemblyWorld, assemble, type Config, pushedLabelsOf, servingOf } from './assembly.ts';
import { Parts } from './parts.ts';
import { type Reloaded, reloader } from './reload.ts';
import { createStatusApi } from './status-api.ts';

export type { Config } from './assembly.ts';

/** The world, as the agent sees it. */
export interface AgentWorld {
  readonly log: Log;
  readonly now: () => number;
  readonly random: () => number;
  readonly env: NodeJS.ProcessEnv;
  /** Reads the configuration again, for a reload. Throws ConfigError. */
  readonly loadConfig: () => Config;
}

/** A running agent. */
export interface Agent {
  /** Where /healthz, /readyz and /metrics are; undefined when http.enabled is false. */
  readonly url: string | undefined;
  /**
   * Reads the configuration again and goes over to it between two cycles. What is made from the same settings as before
   * stays, with its state, queue and phase. Rejects with ConfigError when it is wrong or a part can't be made; then
   * all of the old ones go on.
   */
  reload(): Promise<Reloaded>;
  /** Stops in order: ticks, a final collection and push, the exporters, the HTTP server. */
  stop(): Promise<void>;
}

/** Time for the final collection; with the exporters' flush 5 s together, well inside Kubernetes' 30 s. */
const FINAL_COLLECTION_MS = 2000;

/** Another state agent need not wait longer for this one's last push, which may go to a receiver that hangs. */
const HAND_OVER_MS = 500;

/** Builds all parts, starts them in order and pushes the first cycle at once. */
export async function startAgent(first: Config, { log, now, random, env, loadConfig }: AgentWorld): Promise<Agent> {
  const throttled = new ThrottledLog(log, now);
  const registry = new AgentRegistry();
  const self = selfMetrics(registry, VERSION);
  const metrics = cycleMetrics(registry);
  registry.addReport('node', nodeReport(VERSION));
  const table: Record<string, Route> = {};
  const stopping = new AbortController();
  let ready = false;
  let parts = new Parts();
  let current: Assembly;

  const budget = new SeriesBudget(() => current.config.budget);
  const cycle = new PushCycle({
    registry,
    budget,
    get exporters() {
      return current.exporters;
    },
    get mayPush() {
      const { state } = current;
      return state ? { ksm: () => state.election.isMaster() } : {};
    },
    now,
    log: throttled,
  });
  const run = async (deadlineMs: number) => {
    const started = performance.now();
    const report = await cycle.run(deadlineMs, stopping.signal);
    const seconds = (performance.now() - started) / 1000;
    metrics.duration.set(seconds);
    metrics.samples.set(report.samples);
    api.cycleEnded(report, seconds);
    ready = true;
  };
  const world: AssemblyWorld = {
    log,
    throttled,
    now,
    random,
    env,
    exportMetrics: exportMetrics(registry),
    routes: table,
    serving: () => servingOf((current as Assembly | undefined)?.config ?? first),
    run: () =>
      run(deadlineOf(current.config)).catch((cause: unknown) => log.error({ err: cause }, 'push cycle failed')),
    pushNow: () => void current.schedule.soon(),
    onSkip(reason) {
      metrics.skipped.inc({ reason });
      api.cycleSkipped();
      throttled.say('warn', `skip ${reason}`, { reason }, 'push cycle skipped');
    },
  };
  /** Everything that holds a part of the assembly takes the new one at once, so that no cycle sees half of it. */
  const takeOver = (next: Assembly, nextParts: Parts) => {
    current = next;
    parts = nextParts;
    registry.attach(next.scopes);
    registry.pushedLabels = pushedLabelsOf(next.config);
    for (const path of Object.keys(table)) delete table[path];
    const deadlineMs = deadlineOf(next.config);
    const unready = () => {
      if (!ready) return ['the first collection still runs'];
      const { state } = next;
      const notYet = state?.ready === false ? ['the state of the cluster is not ready yet'] : [];
      return [...notYet, ...(state?.ksm.state.unready ?? [])];
    };
    const own = routes({ registry, deadlineMs, now, unready });
    Object.assign(table, own, api.routes, next.state?.routes);
  };
  const build = async (config: Config) => {
    const next = new Parts(parts);
    try {
      return { next, assembly: await assemble(config, next, world) };
    } catch (cause) {
      await next.discard();
      throw cause;
    }
  };

  const { next, assembly } = await build(first);
  current = assembly;
  let reload: () => Promise<Reloaded> = () => Promise.reject(new Error('the agent still starts; try again'));
  const api = createStatusApi({
    registry,
    budget,
    self,
    log,
    now,
    current: () => current,
    deadlineMs: () => deadlineOf(current.config),
    reload: () => reload(),
  });
  takeOver(assembly, next);
  tellStart(assembly, registry, log);
  const pushing = 'push';
  await parts.start((name) => name !== pushing);
  await assembly.schedule.soon();
  await parts.start((name) => name === pushing);

  const apply = async () => {
    const config = loadConfig();
    const { next, assembly } = await build(config);
    await current.schedule.idle();
    takeOver(assembly, next);
    api.resetLogLevel();
    const { changed } = next;
    await next.replace();
    return changed;
  };
  const { reload: reloadOnce, idle } = reloader(apply, { registry, log, now });
  reload = () => api.noted(reloadOnce());
  const lastPush = async () => {
    const cut = setTimeout(() => stopping.abort(), FINAL_COLLECTION_MS);
    // A cycle that is under way is the last one already.
    const ran = await current.schedule.stop();
    if (!ran) await run(FINAL_COLLECTION_MS);
    clearTimeout(cut);
    await Promise.all(current.exporters.map(({ name }) => parts.stop(`exporters.${name}`)));
  };
  return {
    get url() {
      return current.http?.url;
    },
    reload,
    async stop() {
      await idle();
      await current.state?.linger();
      const last = lastPush();
      await Promise.race([last, sleep(HAND_OVER_MS, undefined, { ref: false })]);
      await current.state?.handOver();
      await last;
      await parts.stop();
      self.close();
      log.info('stopped');
    },
  };
}

/** How long a collector may take, milliseconds. */
const deadlineOf = ({ push: { interval, deadline } }: Config): number => deadline ?? interval * 0.8;

function tellStart({ config, http, exporters, phaseMs }: Assembly, registry: AgentRegistry, log: Log): void {
  log.info(
    {
      version: VERSION,
      node: nodeName(config),
      intervalSeconds: config.push.interval / 1000,
      phaseSeconds: phaseMs / 1000,
      groups: GROUPS.filter((group) => registry.groups.has(group)),
      exporters: exporters.map(({ name }) => `${name} ${config.exporters[name]?.url}`),
      http: http?.url,
    },
    'started',
  );
  if (exporters.length === 0) log.warn('no exporter is configured: nothing is pushed, only /metrics is served');
}
