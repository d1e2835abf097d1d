import { hostname } from 'node:os';
import { monotonicMs, sleep } from '../base/clock.ts';
import { errorText } from '../base/error-text.ts';
import type { Log } from '../base/log.ts';
import { createEvents } from '../collectors/event/index.ts';
import type { EventSection } from '../collectors/event/section.ts';
import { createKsm, type Ksm, type StoreOptions } from '../collectors/ksm/index.ts';
import type { KsmSection } from '../collectors/ksm/section.ts';
import { ConfigError } from '../config/config-error.ts';
import type { CoreConfig } from '../config/schema.ts';
import { SecretFile } from '../config/secret-file.ts';
import { VERSION } from '../config/version.ts';
import type { Tracking } from '../exporters/exporter.ts';
import { secretCheck } from '../http/bearer.ts';
import { leaseRoutes } from '../http/lease.ts';
import type { Routes } from '../http/message.ts';
import { podInfoRoute } from '../http/pod-info.ts';
import { type KubeClient, kubeClient } from '../kube/client.ts';
import { type Election, soleLeader } from '../kube/election.ts';
import type { EventObject } from '../kube/event.ts';
import { LeaseElection } from '../kube/lease.ts';
import { nodeNames } from '../kube/node-names.ts';
import type { KubeObject } from '../kube/object.ts';
import { CONSENT_PATH, HOLDER_PATH, PeerClient, SHARD_PATH } from '../kube/peer-client.ts';
import { POD_INFO_PATH } from '../kube/pod-info.ts';
import { Resharding } from '../kube/resharding.ts';
import { type ShardedPod, StatefulShard } from '../kube/stateful-shard.ts';
import { tokenReviewer } from '../kube/token-review.ts';
import type { Group } from '../metrics/group.ts';
import type { Scope } from '../metrics/scope.ts';
import { releaseProgramNow } from './memory.ts';
import { v8Settings } from './v8-settings.ts';

/** What the state role needs from the agent. */
export interface StateRoleWorld {
  /** Destination of its series. */
  readonly scope: Scope;
  /** How its text is stored: compression, and the capabilities and limits of receivers. */
  readonly storeOptions: StoreOptions;
  readonly log: Log;
  readonly now: () => number;
  readonly random: () => number;
  readonly env: NodeJS.ProcessEnv;
  /** Receives each event that the leader counts. */
  readonly onEvent?: ((event: EventObject, by: number) => void) | undefined;
  /** Starts a push cycle immediately. */
  readonly pushNow: () => void;
}

/** The state of the cluster: followed, elected for, served to node agents. */
export interface StateRole {
  readonly scope: Scope;
  readonly ksm: Ksm;
  readonly election: Election;
  readonly routes: Routes;
  /** Groups whose batches it follows until the receivers have settled them. */
  readonly tracking: Partial<Record<Group, Tracking>>;
  /** The names of the current nodes of the cluster. */
  nodeNames(signal: AbortSignal): Promise<ReadonlySet<string>>;
  start(): void;
  /** Whether it may replace agents with another number of shards. */
  readonly ready: boolean;
  /** Awaited before stopping: pushes continue until another agent has taken over this one's shard. */
  linger(): Promise<void>;
  /** Lets another agent take over immediately, if there is one: no upload of the state starts after this. */
  handOver(): Promise<void>;
  /** Hands over and ends all requests. */
  stop(): Promise<void>;
}

/** How often to check whether all resources have been listed. */
const SETTLING_MS = 100;

/**
 * Builds the state role. Throws ConfigError when no cluster can be found. This file, and with it the Kubernetes client,
 * is only loaded by agents that have it.
 */
export function createStateRole(
  config: CoreConfig,
  section: KsmSection,
  eventSection: EventSection,
  { scope, storeOptions, log, now, random, env, pushNow, onEvent }: StateRoleWorld,
): StateRole {
  const client = clientOf(section);
  const onLease = (object: KubeObject) => lease?.shows(object);
  const ksm = createKsm(section, client, storeOptions, log, VERSION, { onLease });
  for (const producer of ksm.producers) scope.addProducer(producer);
  scope.addPrepared(ksm.state);
  // Shards share the objects that they follow; events are counted by the first of them.
  const namespaces = eventSection.namespaces.length > 0 ? eventSection.namespaces : section.namespaces;
  const events =
    eventSection.enabled && section.shard === 0
      ? createEvents(
          { ...eventSection, namespaces },
          {
            api: client,
            log,
            registry: scope,
            monotonicMs,
            isElected: config.election.enabled,
            onEvent,
            onPushed: () => lease?.renewSoon(),
          },
        )
      : undefined;
  if (events) scope.addProducer(events.producer);
  const ended = new AbortController();
  const settled = async () => {
    while (!ksm.state.settled && !ended.signal.aborted) await sleep(SETTLING_MS, ended.signal);
  };
  /** A new leader does not wait for the next tick: the series already have a gap. */
  const pushFirst = async () => {
    while (election.isLeader() && !ksm.state.settled) await sleep(SETTLING_MS, ended.signal);
    if (election.isLeader()) pushNow();
  };
  const hooks = {
    onLeader() {
      events?.begin();
      void pushFirst();
    },
    onStandby: () => events?.end(),
  };
  const { podInfoTokenFile, podInfoTokenReview } = config.http;
  const token = podInfoTokenFile === undefined ? undefined : new SecretFile(podInfoTokenFile);
  const peers = peersOf(config, token);
  const lease = config.election.enabled
    ? new LeaseElection(
        leaseOptions(config.election, env),
        {
          ...{ api: client, log, registry: scope, monotonicMs, wallMs: now, random, sleep },
          peers,
          notes: events?.notes,
        },
        hooks,
      )
    : undefined;
  const election = lease ?? soleLeader(scope, hooks);
  // Where only some pods are followed, a node may have none of them.
  const followsAllPods = section.namespaces.length === 0 && section.node === undefined;
  const source = {
    ready: () => ksm.state.podsSynced,
    responseFor: (node: string) => ksm.pods.responseFor(node),
    nearestTo: followsAllPods ? (node: string) => ksm.pods.nearestTo(node) : undefined,
  };
  const check = token
    ? secretCheck(token)
    : podInfoTokenReview && tokenReviewer(client, { ...podInfoTokenReview, monotonicMs });
  const guard = check && {
    check,
    onError: (cause: unknown) => log.error({ err: cause }, 'failed to check the token of a node agent'),
  };
  // A token that only the API server can check is useless while that is down; the proof of the holder is sufficient.
  const { shard, totalShards } = section;
  let isStopping = false;
  const own = () => ({
    ...{ shard, totalShards, isStopping },
    isMaster: election.isLeader(),
    isSettled: ksm.state.settled && election.unready === undefined,
  });
  const peerRoutes = lease && leaseRoutes(lease, own, token && guard);
  const resharding =
    peers && new Resharding({ own, peers: (patienceMs) => peers.reports(patienceMs), sleep, monotonicMs, log });
  return {
    scope,
    ksm,
    election,
    // It has its own guard, so it does not require the token for reading.
    routes: {
      [POD_INFO_PATH]: { GET: podInfoRoute(source, guard), open: guard !== undefined },
      ...(peerRoutes && {
        [CONSENT_PATH]: peerRoutes.consent,
        [HOLDER_PATH]: peerRoutes.holder,
        [SHARD_PATH]: peerRoutes.shard,
      }),
    },
    tracking: events ? { event: events.tracking } : {},
    nodeNames: (signal) => nodeNames(client, signal),
    start() {
      void releaseProgramNow(log);
      v8Settings.listing();
      ksm.state.start();
      events?.start();
      void settled().then(() => ended.signal.aborted || v8Settings.listed());
      election.start();
      void resharding?.watch(ended.signal);
    },
    get ready() {
      return resharding?.ready ?? true;
    },
    async linger() {
      isStopping = true;
      await resharding?.linger();
      election.retire();
    },
    async handOver() {
      if (config.election.enabled) await election.stop();
    },
    async stop() {
      await election.stop();
      ended.abort();
      await ksm.state.stop();
      await events?.stop();
      client.close();
    },
  };
}

/** The client for the cluster of the configuration. Throws ConfigError when there is none. */
function clientOf({ kubeconfig, context }: KsmSection): KubeClient {
  const client = kubeClient({
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
  });
  try {
    client.locate();
  } catch (cause) {
    throw new ConfigError([
      `collectors.ksm: ${errorText(cause)}; set collectors.ksm.kubeconfig or collectors.ksm.context`,
    ]);
  }
  return client;
}

/** The shard of a pod of a StatefulSet, followed. Throws ConfigError when the API server does not know it. */
export async function findShard(
  section: KsmSection,
  pod: ShardedPod,
  log: Log,
  onChange: () => void,
): Promise<StatefulShard> {
  try {
    return await StatefulShard.find(clientOf(section), pod, { log, onChange });
  } catch (cause) {
    throw cause instanceof ConfigError ? cause : new ConfigError([`collectors.ksm.pod: ${errorText(cause)}`]);
  }
}

/** The client for the other state agents; undefined if none are configured. */
function peersOf({ election, http }: Pick<CoreConfig, 'election' | 'http'>, token: SecretFile | undefined) {
  if (election.peers.length === 0) return undefined;
  return new PeerClient({ peers: election.peers, certFile: http.tls?.certFile, token: token && (() => token.read()) });
}

function leaseOptions(election: CoreConfig['election'], env: NodeJS.ProcessEnv) {
  return {
    namespace: election.namespace ?? env.POD_NAMESPACE ?? 'default',
    name: election.lease,
    identity: env.POD_NAME ?? hostname(),
    durationMs: election.leaseDuration,
    renewDeadlineMs: election.renewDeadline,
    retryMs: election.retryPeriod,
  };
}
