import { monotonicMs, secondsSince, sleep } from '../base/clock.ts';
import { type Log, ThrottledLog } from '../base/log.ts';
import { nodeReport } from '../collectors/node/report.ts';
import { originsOf } from '../config/origins.ts';
import { VERSION } from '../config/version.ts';
import { exportMetrics } from '../exporters/metrics.ts';
import type { Route } from '../http/message.ts';
import { routes } from '../http/routes.ts';
import { SeriesBudget } from '../metrics/budget.ts';
import { AgentRegistry } from '../metrics/registry.ts';
import { PushCycle } from '../push/cycle.ts';
import { type CycleMetrics, cycleMetrics } from '../push/metrics.ts';
import type { TickSkipReason } from '../push/schedule.ts';
import { servingOf } from './assembly/http.ts';
import type { AssemblyWorld } from './assembly/world.ts';
import { type Assembly, assemble } from './assembly.ts';
import { Components } from './components.ts';
import type { Config } from './config.ts';
import { mayPush } from './leader-groups.ts';
import { exporterRelabelings, pushedLabelsOf, relabelingsOf } from './receivers.ts';
import { type Reloaded, type Reloader, reloader } from './reload.ts';
import { type SelfMetrics, selfMetrics } from './self-metrics.ts';
import { logStart } from './start-log.ts';
import { createStatusApi, type StatusApi } from './status-api.ts';
import { TaskRole } from './task-role.ts';

export type { Config } from './config.ts';

/** The agent's environment. */
interface AgentWorld {
  readonly log: Log;
  readonly now: () => number;
  readonly random: () => number;
  readonly env: NodeJS.ProcessEnv;
  /** Reads the configuration again, for a reload. Throws ConfigError. */
  readonly loadConfig: () => Config | Promise<Config>;
  /** Called when a configuration has become active and its components run. */
  readonly onActive?: ((config: Config) => void) | undefined;
}

/** A running agent. */
export interface Agent {
  /** The URL of /healthz, /readyz and /metrics; undefined when http.enabled is false. */
  readonly url: string | undefined;
  /**
   * Reads the configuration again and applies it between two cycles. Components with unchanged settings are kept, with
   * their state, queue and phase. Rejects with ConfigError when it is invalid or a component can't be created; then
   * nothing changes.
   */
  reload(): Promise<Reloaded>;
  /** Stops in order: ticks, a final collection and push, the exporters, the HTTP server. */
  stop(): Promise<void>;
}

/** Time for the final collection; together with the exporters' flush 5 s, well within Kubernetes' 30 s. */
const FINAL_COLLECTION_MS = 2000;

/** How long another state agent waits for this one's last push, which may go to a receiver that hangs. */
const HAND_OVER_MS = 500;

/** Builds all components, starts them in order and pushes the first cycle immediately. Rejects with ConfigError. */
export async function startAgent(config: Config, world: AgentWorld): Promise<Agent> {
  const agent = new RunningAgent(config, world);
  await agent.start();
  return agent;
}

/** An active configuration: what was built from it, and its components. */
interface ActiveConfig {
  readonly assembly: Assembly;
  readonly components: Components;
}

/**
 * The composition root. State that survives a reload is a field; everything built from the configuration is in the
 * {@link Assembly}, which a reload replaces between two cycles.
 */
class RunningAgent implements Agent {
  readonly #world: AgentWorld;
  readonly #throttled: ThrottledLog;
  readonly #registry = new AgentRegistry();
  readonly #self: SelfMetrics;
  readonly #metrics: CycleMetrics;
  readonly #budget: SeriesBudget;
  readonly #cycle: PushCycle;
  readonly #status: StatusApi;
  readonly #reloads: Reloader;
  readonly #assemblyWorld: AssemblyWorld;
  readonly #tasks: TaskRole;
  /** What the HTTP server serves, by path; filled when an assembly takes over. */
  readonly #routes: Record<string, Route> = {};
  readonly #stopping = new AbortController();
  /** The active configuration, or the first one while the agent starts. */
  #config: Config;
  #active: ActiveConfig | undefined;
  #exporterRelabelings: ReturnType<typeof exporterRelabelings> = new Map();
  #cycles = 0;

  constructor(config: Config, world: AgentWorld) {
    const { log, now, random, env } = world;
    this.#config = config;
    this.#world = world;
    this.#throttled = new ThrottledLog(log, now);
    this.#self = selfMetrics(this.#registry, VERSION);
    this.#metrics = cycleMetrics(this.#registry);
    this.#registry.addReport('node', nodeReport(VERSION));
    this.#budget = new SeriesBudget(() => this.#config.budget);
    this.#cycle = new PushCycle({
      registry: this.#registry,
      budget: this.#budget,
      exporters: () => this.#current.assembly.exporters,
      mayPush: () => mayPush(this.#current.assembly),
      tracking: () => this.#current.assembly.state?.tracking ?? {},
      relabelingOf: (exporter, group) => this.#exporterRelabelings.get(exporter)?.(group),
      intervalMs: () => this.#config.push.interval,
      now,
      log: this.#throttled,
    });
    this.#reloads = reloader(() => this.#apply(), { registry: this.#registry, log, now });
    this.#status = createStatusApi({
      registry: this.#registry,
      budget: this.#budget,
      self: this.#self,
      log,
      now,
      config: () => this.#config,
      current: () => this.#current.assembly,
      deadlineMs: () => deadlineOf(this.#config),
      reload: () => this.reload(),
    });
    this.#tasks = new TaskRole({
      registry: this.#registry,
      log,
      now,
      config: () => this.#config,
      queue: (work) => this.#reloads.queue(work),
      apply: async () => void (await this.#switchTo(this.#config)),
      runner: () => this.#current.assembly.tasks?.runner,
      disables: this.#status.disables,
    });
    this.#assemblyWorld = {
      log,
      throttled: this.#throttled,
      now,
      random,
      env,
      exportMetrics: exportMetrics(this.#registry),
      routes: this.#routes,
      serving: () => servingOf(this.#config),
      run: () =>
        this.#run(deadlineOf(this.#config)).catch((cause: unknown) => log.error({ err: cause }, 'push cycle failed')),
      pushNow: () => void this.#current.assembly.schedule.soon(),
      reassemble: () =>
        void this.reload().catch((cause: unknown) =>
          this.#world.log.error({ err: cause }, 'failed to change the shard'),
        ),
      onSkip: (reason) => this.#skipped(reason),
      gate: (group, name) => this.#registry.gate(group, name),
      ownerOf: (family, group) => this.#registry.ownerOf(family, group),
      onTask: () => this.#status.changed(),
    };
  }

  get url(): string | undefined {
    return this.#current.assembly.http?.url;
  }

  /** Builds the first assembly and starts its components, the pushes last: the first cycle runs before the schedule. */
  async start(): Promise<void> {
    await Promise.all([this.#status.start(), this.#tasks.start()]);
    const first = await this.#build(this.#config);
    this.#takeOver(first);
    logStart(first.assembly, this.#registry, this.#world.log);
    const pushing = 'push';
    await first.components.start((name) => name !== pushing);
    await first.assembly.schedule.soon();
    await first.components.start((name) => name === pushing);
    this.#world.onActive?.(this.#config);
  }

  reload(): Promise<Reloaded> {
    if (this.#active === undefined) return Promise.reject(new Error('the agent is still starting; try again'));
    return this.#status.noted(this.#reloads.reload());
  }

  async stop(): Promise<void> {
    this.#tasks.stop();
    await this.#reloads.idle();
    const { assembly, components } = this.#current;
    await assembly.state?.linger();
    const last = this.#lastPush();
    await Promise.race([last, sleep(HAND_OVER_MS, undefined, { ref: false })]);
    await assembly.state?.handOver();
    await last;
    await components.stop();
    this.#self.close();
    this.#world.log.info('stopped');
  }

  get #current(): ActiveConfig {
    if (this.#active === undefined) throw new Error('BUG: used before the first configuration was active');
    return this.#active;
  }

  /** Builds what `config` requires; components with equal settings are taken over from the active assembly. */
  async #build(config: Config): Promise<ActiveConfig> {
    const plan = await this.#tasks.plan(config, originsOf(config));
    const components = new Components(this.#active?.components);
    try {
      return { components, assembly: await assemble(config, components, this.#assemblyWorld, plan) };
    } catch (cause) {
      await components.discard();
      throw cause;
    }
  }

  /**
   * Everything that references a component of the assembly gets the new one in one step, so that no cycle sees a mix of
   * both.
   */
  #takeOver(next: ActiveConfig): void {
    const { config, scopes, state, tasks, localPush } = next.assembly;
    this.#active = next;
    this.#config = config;
    this.#registry.attach(scopes);
    tasks?.takeOver();
    this.#tasks.takeOver();
    this.#registry.pushedLabels = pushedLabelsOf(config);
    this.#registry.relabelings = relabelingsOf(config);
    this.#exporterRelabelings = exporterRelabelings(config);
    for (const path of Object.keys(this.#routes)) delete this.#routes[path];
    const own = routes({
      registry: this.#registry,
      deadlineMs: deadlineOf(config),
      now: this.#world.now,
      unready: () => this.#unready(),
    });
    Object.assign(this.#routes, own, this.#status.routes, this.#tasks.routes, localPush?.routes, state?.routes);
  }

  #unready(): readonly string[] {
    if (this.#cycles === 0) return ['the first collection is still running'];
    const { state } = this.#current.assembly;
    if (state === undefined) return [];
    const { ksm, election } = state;
    const reasons = [...ksm.state.unready, ...(election.unready === undefined ? [] : [election.unready])];
    return reasons.length > 0 || state.ready ? reasons : ['the state of the cluster is not ready yet'];
  }

  async #run(deadlineMs: number): Promise<void> {
    const started = monotonicMs();
    const report = await this.#cycle.run(deadlineMs, this.#stopping.signal);
    const seconds = secondsSince(started);
    this.#metrics.duration.set(seconds);
    this.#metrics.samples.set(report.samples);
    this.#status.cycleEnded(report, seconds);
    this.#cycles += 1;
  }

  #skipped(reason: TickSkipReason): void {
    this.#metrics.skipped.inc({ reason });
    this.#status.cycleSkipped();
    this.#throttled.write('warn', `skip ${reason}`, { reason }, 'push cycle skipped');
  }

  /** Applies the configuration as currently read; returns the names of the components that changed. */
  async #apply(): Promise<readonly string[]> {
    const changed = await this.#switchTo(await this.#world.loadConfig());
    this.#status.resetLogLevel();
    return changed;
  }

  /** Switches to `config` and the current tasks, between two cycles; returns the names of changed components. */
  async #switchTo(config: Config): Promise<readonly string[]> {
    const next = await this.#build(config);
    await this.#current.assembly.schedule.idle();
    this.#takeOver(next);
    const { changed } = next.components;
    await next.components.replace();
    this.#world.onActive?.(config);
    return changed;
  }

  /**
   * One more collection and push, unless a cycle is in progress, which is then the last one; then the exporters flush.
   */
  async #lastPush(): Promise<void> {
    const { assembly, components } = this.#current;
    const cut = setTimeout(() => this.#stopping.abort(), FINAL_COLLECTION_MS);
    const ran = await assembly.schedule.stop();
    if (!ran) await this.#run(FINAL_COLLECTION_MS);
    clearTimeout(cut);
    await Promise.all(assembly.exporters.map(({ name }) => components.stop(`exporters.${name}`)));
  }
}

/** How long a collector may take, milliseconds. */
const deadlineOf = ({ push: { interval, deadline } }: Config): number => deadline ?? interval * 0.8;
