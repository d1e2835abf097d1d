import type { Clock } from '../../base/clock.ts';
import { errorText } from '../../base/error-text.ts';
import { dropFirstAdded } from '../../base/first-added.ts';
import type { ThrottledLog } from '../../base/log.ts';
import type { ExportMetrics } from '../metrics.ts';
import type { GatewayClient } from './gateway-client.ts';
import { type ClusterGroups, isStale } from './stale-groups.ts';

interface JanitorOptions {
  readonly exporter: string;
  readonly gateway: GatewayClient;
  /** Whether this agent is the one that cleans up. */
  readonly isLeader: () => boolean;
  /** The names of the current nodes of the cluster. */
  readonly nodes: (signal: AbortSignal) => Promise<ReadonlySet<string>>;
  readonly ours: Pick<ClusterGroups, 'jobs' | 'cluster' | 'graceMs'>;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly now: () => number;
  readonly log: ThrottledLog;
  readonly metrics: Pick<ExportMetrics, 'groupsDeleted' | 'janitorErrors'>;
}

/** Limit of remembered nodes. Above it, the oldest are forgotten, and their gateway groups stay. */
const MAX_KNOWN = 50_000;

/**
 * Deletes the gateway groups of nodes that have left the cluster. A Pushgateway keeps them forever, so it would expose
 * their last values as current ones.
 */
export class Janitor {
  readonly #options: JanitorOptions;
  readonly #known = new Set<string>();
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: JanitorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#options.gateway.close();
  }

  async #run(): Promise<void> {
    const { exporter, clock, everyMs, isLeader, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      // Wait first: a node agent that has just restarted has not pushed yet.
      await clock.sleep(everyMs, signal);
      if (signal.aborted || !isLeader()) continue;
      try {
        await this.#round(signal);
        log.over(`${exporter}/janitor`);
      } catch (cause) {
        if (signal.aborted) return;
        this.#options.metrics.janitorErrors.inc({ exporter });
        const fields = { exporter, reason: errorText(cause) };
        log.write(
          'warn',
          `${exporter}/janitor`,
          fields,
          'failed to delete gateway groups of nodes that have left the cluster',
        );
      }
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { exporter, gateway, ours, isLeader, log, nodes, now } = this.#options;
    const current = await nodes(signal);
    // A cluster without nodes runs no agents, so the response must be wrong.
    if (current.size === 0) throw new Error('the API server returned an empty list of nodes');
    for (const node of current) this.#remember(node);
    const cluster = { ...ours, nodes: current, known: this.#known, nowMs: now() };
    for (const group of await gateway.groups(signal)) {
      if (!isStale(group, cluster)) continue;
      if (!isLeader()) return;
      await gateway.delete(group, signal);
      this.#options.metrics.groupsDeleted.inc({ exporter });
      const { job, instance } = group.labels;
      log.write(
        'info',
        `${exporter}/janitor/${job}/${instance}`,
        { exporter, job, instance },
        'node has left the cluster: gateway group deleted',
      );
    }
  }

  #remember(node: string): void {
    this.#known.delete(node);
    this.#known.add(node);
    dropFirstAdded(this.#known, MAX_KNOWN);
  }
}
