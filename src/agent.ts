import { type CollectorsConfig, createProducers } from './collectors/catalogue.ts';
import { IdentityClient, realIdentityWorld } from './collectors/container/identity.ts';
import { createIdentitySource } from './collectors/container/identity-sources.ts';
import { nodeReport } from './collectors/node/report.ts';
import { nodeName, targets } from './config/identity.ts';
import type { CoreConfig } from './config/schema.ts';
import { VERSION } from './config/version.ts';
import { createExporters } from './exporters/index.ts';
import { exportMetrics } from './exporters/metrics.ts';
import { Host } from './host/host.ts';
import { routes } from './http/routes.ts';
import { startHttp } from './http/server.ts';
import { type Log, ThrottledLog } from './log.ts';
import { GROUPS } from './metrics/group.ts';
import { AgentRegistry } from './metrics/registry.ts';
import { selfMetrics } from './metrics/self.ts';
import { PushCycle } from './push/cycle.ts';
import { cycleMetrics } from './push/metrics.ts';
import { nodePhaseMs } from './push/phase.ts';
import { Schedule } from './push/schedule.ts';

/** The whole configuration. */
export type Config = CoreConfig & { readonly collectors: CollectorsConfig };

/** The world, as the agent sees it. */
export interface AgentWorld {
  readonly log: Log;
  readonly now: () => number;
  readonly random: () => number;
  readonly env: NodeJS.ProcessEnv;
}

/** A running agent. */
export interface Agent {
  /** Where /healthz, /readyz and /metrics are; undefined when http.enabled is false. */
  readonly url: string | undefined;
  /** Stops in order: ticks, a final collection and push, the exporters, the HTTP server. */
  stop(): Promise<void>;
}

/** Time for the final collection and for its push: 5 s together, well inside Kubernetes' 30 s. */
const FINAL_COLLECTION_MS = 2000;
const FLUSH_MS = 3000;

/** Builds all parts, starts them in order and pushes the first cycle at once. */
export async function startAgent(config: Config, { log, now, random, env }: AgentWorld): Promise<Agent> {
  const { interval, deadline = interval * 0.8, phase } = config.push;
  const throttled = new ThrottledLog(log, now);
  const registry = new AgentRegistry();
  const self = selfMetrics(registry, VERSION);
  const metrics = cycleMetrics(registry);
  registry.addReport('node', nodeReport);
  const pods = await podNames(config, log, registry);
  for (const producer of createProducers({ host: new Host(config.paths), now }, config.collectors, pods)) {
    registry.addProducer(producer);
  }
  const state = config.collectors.ksm.enabled
    ? (await import('./state-role.ts')).createStateRole(config, config.collectors.ksm, {
        registry,
        log,
        now,
        random,
        env,
        pushNow: () => void schedule.soon(),
      })
    : undefined;
  const exporters = createExporters(config.exporters, {
    targets: targets(config),
    metrics: exportMetrics(registry),
    log: throttled,
    now,
    random,
    env,
  });
  const cycle = new PushCycle({
    registry,
    exporters,
    mayPush: state ? { ksm: () => state.election.isMaster() } : {},
    now,
    log: throttled,
  });
  let ready = false;
  const stopping = new AbortController();
  const run = async (deadlineMs: number, signal?: AbortSignal) => {
    const started = performance.now();
    const { samples } = await cycle.run(deadlineMs, signal);
    metrics.duration.set((performance.now() - started) / 1000);
    metrics.samples.set(samples);
    ready = true;
  };
  const http = config.http.enabled
    ? await startHttp(
        config.http.listen,
        { ...routes({ registry, deadlineMs: deadline, now, ready: () => ready }), ...state?.routes },
        (path, cause) => throttled.say('error', `http ${path}`, { path, err: cause }, 'request failed'),
        config.http.tls,
      )
    : undefined;
  const phaseMs = (phase === 'auto' ? nodePhaseMs(config.cluster ?? '', nodeName(config), interval) : phase) % interval;
  const schedule = new Schedule({
    intervalMs: interval,
    phaseMs,
    now,
    log,
    run: () => run(deadline, stopping.signal).catch((cause: unknown) => log.error({ err: cause }, 'push cycle failed')),
    onSkip(reason) {
      metrics.skipped.inc({ reason });
      throttled.say('warn', `skip ${reason}`, { reason }, 'push cycle skipped');
    },
  });
  log.info(
    {
      version: VERSION,
      node: nodeName(config),
      intervalSeconds: interval / 1000,
      phaseSeconds: phaseMs / 1000,
      groups: GROUPS.filter((group) => registry.groups.has(group)),
      exporters: exporters.map(({ name }) => `${name} ${config.exporters[name]?.url}`),
      http: http?.url,
    },
    'started',
  );
  if (exporters.length === 0) log.warn('no exporter is configured: nothing is pushed, only /metrics is served');
  pods?.start();
  state?.start();
  await schedule.soon();
  schedule.start();
  return {
    url: http?.url,
    async stop() {
      stopping.abort();
      await schedule.stop();
      await run(FINAL_COLLECTION_MS);
      await Promise.all(exporters.map((exporter) => exporter.close(FLUSH_MS)));
      await state?.stop();
      await pods?.stop();
      await http?.close();
      self.close();
      log.info('stopped');
    },
  };
}

/** The client that knows the pods of this node; undefined when nobody is to be asked, or nobody wants to know. */
async function podNames(config: Config, log: Log, registry: AgentRegistry): Promise<IdentityClient | undefined> {
  const { container, process } = config.collectors;
  if (!container.enabled && !(process.enabled && process.byPod)) return undefined;
  const source = await createIdentitySource(container.identity, nodeName(config), log);
  return source && new IdentityClient(source, container.identity.refresh, realIdentityWorld(log, registry));
}
