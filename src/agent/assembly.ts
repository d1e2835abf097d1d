import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { Log, ThrottledLog } from '../base/log.ts';
import { createLogProducers, openLogState, PRODUCERS } from '../collectors/catalogue.ts';
import { wantsLog } from '../collectors/log/section.ts';
import { groupRules, nodeName, targets } from '../config/identity.ts';
import { ConfigError } from '../config/load.ts';
import { isScraping, wantsPods } from '../config/scrape-schema.ts';
import type { Exporter } from '../exporters/exporter.ts';
import type { HousekeepingWorld } from '../exporters/exporter-type.ts';
import { createExporter, exporterTypeOf } from '../exporters/index.ts';
import type { ExportMetrics } from '../exporters/metrics.ts';
import { Host } from '../host/host.ts';
import type { Route } from '../http/message.ts';
import { type HttpServer, type HttpSettings, startHttp } from '../http/server.ts';
import { ALL_LABELS, byPrefix, NO_LABELS } from '../kube/pod-info.ts';
import type { LocalPush } from '../local-push/routes.ts';
import type { Gate } from '../metrics/registry.ts';
import { type Producer, Scope } from '../metrics/scope.ts';
import { IdentityClient, realIdentityWorld } from '../pods/client.ts';
import type { PodPicks } from '../pods/source.ts';
import { createIdentitySource } from '../pods/sources.ts';
import { nodePhaseMs } from '../push/phase.ts';
import { Schedule, type SkipReason } from '../push/schedule.ts';
import type { ScrapeRole } from '../scrape/role.ts';
import type { TaskSettings } from '../tasks/settings.ts';
import type { Config } from './config.ts';
import type { Parts } from './parts.ts';
import { relabelingsOf, stateKeeping } from './receivers.ts';
import type { StateRole } from './state-role.ts';
import type { TaskParts } from './task-parts.ts';

/** What does not change with the configuration. */
export interface AssemblyWorld {
  readonly log: Log;
  readonly throttled: ThrottledLog;
  readonly now: () => number;
  readonly random: () => number;
  readonly env: NodeJS.ProcessEnv;
  readonly exportMetrics: ExportMetrics;
  /** The table of routes, which is filled after the server has started. */
  readonly routes: Readonly<Record<string, Route>>;
  /** The HTTP server's settings now. */
  readonly serving: () => HttpSettings;
  /** Runs a push cycle. */
  readonly run: () => Promise<void>;
  /** Begins a push cycle out of turn. */
  readonly pushNow: () => void;
  /** Builds everything anew from the same configuration: what it depends on has changed. */
  readonly reassemble: () => void;
  readonly onSkip: (reason: SkipReason) => void;
  /** Why a producer is switched off for some time. */
  readonly gate: Gate;
  /** Who of another group brings a family. */
  readonly ownerOf: (family: string, group: string) => string | undefined;
  /** Told after each run of a task. */
  readonly onTask: () => void;
}

/** Everything that is built from the configuration. */
export interface Assembly {
  readonly config: Config;
  /** What the collectors bring to the registry, in order. */
  readonly scopes: readonly Scope[];
  readonly exporters: readonly Exporter[];
  readonly pods: IdentityClient | undefined;
  readonly state: StateRole | undefined;
  readonly tasks: TaskParts | undefined;
  readonly localPush: LocalPush | undefined;
  /** The local scrape. */
  readonly scrape: ScrapeRole | undefined;
  readonly http: HttpServer | undefined;
  readonly schedule: Schedule;
  readonly phaseMs: number;
}

/** Time for the uploads under way and for the last push, milliseconds. */
const FLUSH_MS = 3000;

/** Node agents of a large cluster ask every 15 s, and each connection stays open for 5 s. */
const STATE_CONNECTIONS = 2000;

/** The settings of the HTTP server of an agent with this configuration. */
export const servingOf = ({
  http: { readTokenFile, controlTokenFile },
  localPush: { enabled, tokenFile },
  collectors: { ksm },
}: Config): HttpSettings => ({
  readTokenFile,
  controlTokenFile,
  ...(enabled && { pushTokenFile: tokenFile }),
  ...(ksm.enabled && { maxConnections: STATE_CONNECTIONS }),
});

/**
 * Builds, or takes over, all `parts` that `config` and `plan`, its tasks and those of other sources, ask for; starts none.
 * Throws ConfigError for what can't be.
 */
export async function assemble(
  config: Config,
  parts: Parts,
  world: AssemblyWorld,
  plan?: readonly TaskSettings[],
): Promise<Assembly> {
  const { log, now, env, random } = world;
  const collectors = await collectorParts(config, parts, world);
  const { ksm, election } = await sharded(config, parts, world);
  const { event } = config.collectors;
  const keeping = stateKeeping(config);
  const state = !ksm.enabled
    ? undefined
    : await parts.take(
        'ksm',
        {
          ksm,
          event,
          election,
          http: stateHttp(config),
          notesEnded: keeping.notesEnded,
          pushed: keeping.pushed,
          rules: groupRules(config).ksm,
        },
        async () => {
          const { createStateRole } = await import('./state-role.ts');
          const { pushNow } = world;
          return createStateRole({ ...config, election }, ksm, event, {
            scope: new Scope(),
            keeping,
            log,
            now,
            random,
            env,
            pushNow,
          });
        },
        { start: (role) => role.start(), stop: (role) => role.stop() },
      );
  const exporters = await exporterParts(config, parts, world, state);
  const tasks = plan && (await createTasks(config, parts, plan, collectors.host, world, state));
  const localPush = await localPushParts(config, parts, world);
  const scrape = await scrapePart(config, parts, world, collectors.pods);
  const { listen, tls } = config.http;
  const failed = (path: string, cause: unknown) =>
    world.throttled.say('error', `http ${path}`, { path, err: cause }, 'request failed');
  const http = config.http.enabled
    ? await parts.take(
        'http',
        { listen, tls },
        () => startHttp(listen, world.routes, failed, { tls, settings: world.serving }),
        { stop: (server) => server.close() },
      )
    : undefined;
  const { interval, phase } = config.push;
  const phaseMs = (phase === 'auto' ? nodePhaseMs(config.cluster ?? '', nodeName(config), interval) : phase) % interval;
  const schedule = await parts.take(
    'push',
    { interval, phaseMs },
    () => {
      const monotonic = () => performance.now();
      return new Schedule({ intervalMs: interval, phaseMs, now, monotonic, log, run: world.run, onSkip: world.onSkip });
    },
    { start: (made) => made.start(), stop: async (made) => void (await made.stop()) },
  );
  const scopes = [
    ...collectors.scopes,
    ...(scrape ? [scrape.scope] : []),
    ...(state ? [state.scope] : []),
    ...(tasks?.scopes ?? []),
    ...(localPush ? [localPush.scope] : []),
  ];
  const { pods } = collectors;
  return { config, scopes, exporters, pods, scrape, state, tasks, localPush, http, schedule, phaseMs };
}

/** The settings of the state role of a pod whose StatefulSet decides about its shard; a Lease for each shard, as in the chart. */
async function sharded({ collectors: { ksm }, election }: Config, parts: Parts, { log, reassemble }: AssemblyWorld) {
  const { enabled, pod, podNamespace: namespace, kubeconfig, context } = ksm;
  if (!enabled || pod === undefined || namespace === undefined) return { ksm, election };
  const found = await parts.take(
    'ksm.shard',
    { pod, namespace, kubeconfig, context },
    async () => {
      const { findShard } = await import('./state-role.ts');
      return findShard(ksm, { namespace, pod }, log, reassemble);
    },
    { start: (made) => made.start(), stop: (made) => made.stop() },
  );
  const { shard } = found.current;
  const lease = shard === 0 ? election.lease : `${election.lease}-${shard}`;
  return { ksm: { ...ksm, ...found.current }, election: { ...election, lease } };
}

/** The exporters, and the housekeeping of the leader at their receivers. */
async function exporterParts(
  config: Config,
  parts: Parts,
  { exportMetrics: metrics, throttled: log, now, random, env }: AssemblyWorld,
  state: StateRole | undefined,
): Promise<Exporter[]> {
  const { spool, cluster } = config;
  const context = { targets: targets(config), spool, metrics, log, now, random, env };
  const exporters: Exporter[] = [];
  for (const [name, settings] of Object.entries(config.exporters)) {
    if (!settings.enabled) continue;
    const madeFrom = { settings, targets: context.targets, spool };
    const exporter = await parts.take(`exporters.${name}`, madeFrom, () => createExporter(name, settings, context), {
      start: (made) => made.start(),
      stop: (made) => made.close(FLUSH_MS),
    });
    exporters.push(exporter);
    const type = exporterTypeOf(settings);
    if (!state || !type.housekeeping) continue;
    const world: HousekeepingWorld = {
      ...{ cluster, env, now, log, metrics },
      isMaster: () => state.election.isMaster(),
      nodes: (signal) => state.nodeNames(signal),
      nodeJobs: nodeJobs(config),
    };
    await parts.take(
      `exporters.${name}.housekeeping`,
      { ...madeFrom, state: config.collectors.ksm, election: config.election },
      () => type.housekeeping?.(name, settings, world),
      { start: (made) => made?.start(), stop: (made) => made?.stop() },
    );
  }
  return exporters;
}

/** What takes the pushes of programs on this node. */
async function localPushParts(config: Config, parts: Parts, world: AssemblyWorld): Promise<LocalPush | undefined> {
  const { enabled, ttl, limits, socket } = config.localPush;
  if (!enabled) return undefined;
  const localPush = await parts.take('localPush', { ttl, limits }, async () => {
    const { createLocalPush } = await import('../local-push/routes.ts');
    const ownerOf = (family: string) => world.ownerOf(family, 'pushed');
    return createLocalPush({ ttl, limits }, { now: world.now, ownerOf });
  });
  if (socket === undefined) return localPush;
  const failed = (path: string, cause: unknown) =>
    world.throttled.say('error', `push ${path}`, { path, err: cause }, 'request failed');
  await parts.take(
    'localPush.socket',
    { socket, ttl, limits },
    async () => {
      const { startSocketServer } = await import('../http/socket-server.ts');
      return startSocketServer(socket, localPush.routes, failed);
    },
    { stop: (server) => server.close() },
  );
  return localPush;
}

/** The tasks; on state agents only the leader runs them. */
async function createTasks(
  config: Config,
  parts: Parts,
  plan: readonly TaskSettings[],
  host: Host,
  { log, now, gate, onTask }: AssemblyWorld,
  state: StateRole | undefined,
): Promise<TaskParts> {
  const { taskParts } = await import('./task-parts.ts');
  const clocks = { now, monotonic: () => performance.now() };
  const isStandby = () => state !== undefined && !state.election.isMaster();
  return taskParts(config, parts, plan, { host, now, log, clocks, gate, isStandby, onChange: onTask });
}

/** The jobs whose groups carry the name of a node as instance. */
const nodeJobs = ({ identity }: Config): ReadonlySet<string> =>
  new Set(
    Object.values(identity)
      .filter((group) => 'job' in group)
      .filter(({ instance }) => instance === '{node}')
      .map(({ job }) => job),
  );

/** The collectors of this host, a part for each group, and the client that knows the names of its pods. */
async function collectorParts(config: Config, parts: Parts, { log, now }: AssemblyWorld) {
  const { paths, collectors, scrape } = config;
  const { identity } = collectors.container;
  const node = nodeName(config);
  const host = await parts.take('paths', paths, () => new Host(paths));
  const wantsNames =
    collectors.container.enabled ||
    (collectors.process.enabled && collectors.process.byPod) ||
    (collectors.kernel.enabled && identity.source !== 'none') ||
    wantsPods(scrape);
  const names = wantsNames
    ? await parts.take('identity', { identity, node, picks: pickedOf(config) }, () => createNames(config, log), {
        start: ({ client }) => client?.start(),
        stop: ({ client }) => client?.stop(),
      })
    : undefined;
  const scopes = names ? [names.scope] : [];
  for (const group of ['node', 'container', 'process'] as const) {
    const section = collectors[group];
    const madeFrom = { section, paths, node, ...(group === 'node' ? {} : { identity, wantsNames }) };
    scopes.push(
      await parts.take(`collectors.${group}`, madeFrom, (replaced: Scope | undefined) =>
        scopeOf(PRODUCERS[group]({ host, now, nodeName: config.node }, collectors, names?.client), replaced),
      ),
    );
  }
  if (wantsLog(collectors)) {
    const state = await parts.take('log-state', config.spool.path, () => openLogState(config.spool.path), {
      stop: (one) => one.close(),
    });
    const { journal, kernel, log: files } = collectors;
    scopes.push(
      await parts.take(
        'collectors.log',
        { journal, kernel, files, paths, node, state: config.spool.path, identity, wantsNames },
        async () =>
          scopeOf(
            await createLogProducers({ host, now, nodeName: config.node }, collectors, state, names?.client),
            undefined,
          ),
      ),
    );
  }
  return { host, scopes, pods: names?.client };
}

/** The client that knows the pods of this node, if anybody is to be asked, and its metrics. */
async function createNames(config: Config, log: Log) {
  const { collectors, node } = config;
  const { identity } = collectors.container;
  const scope = new Scope();
  const source = await createIdentitySource(identity, nodeName({ node }), log, picksOf(config));
  return { scope, client: source && new IdentityClient(source, identity.refresh, realIdentityWorld(log, scope)) };
}

/** What the local scrape has to know of pods: all labels or none, and the annotations that begin so. */
const pickedOf = ({ scrape: { annotations, pods } }: Config) => ({
  labels: pods.length > 0,
  prefix: annotations.enabled ? `${annotations.prefix}/` : undefined,
});

function picksOf(config: Config): PodPicks {
  const { labels, prefix } = pickedOf(config);
  return {
    labels: labels ? ALL_LABELS : NO_LABELS,
    annotations: prefix === undefined ? NO_LABELS : byPrefix(prefix),
  };
}

/** The local scrape, if anything is scraped; otherwise its code is not loaded. */
async function scrapePart(
  config: Config,
  parts: Parts,
  { log, now, env }: AssemblyWorld,
  pods: IdentityClient | undefined,
) {
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
  const madeFrom = { scrape, cluster, node, rules, pushed, identity, picks: pickedOf(config) };
  return parts.take(
    'scrape',
    madeFrom,
    async () => {
      const { ScrapeRole } = await import('../scrape/role.ts');
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

/** A scope with these producers; those that `replaced` had with the same settings stay, with what they remember. */
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

/** The settings of the HTTP server that the state role looks at. */
const stateHttp = ({ http: { podInfoTokenFile, podInfoTokenReview, tls } }: Config) => ({
  tls,
  podInfoTokenFile,
  podInfoTokenReview,
});
