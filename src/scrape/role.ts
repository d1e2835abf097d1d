import { createHash } from 'node:crypto';
import { Counter, Gauge } from 'prom-client';
import { monotonicMs } from '../base/clock.ts';
import { phaseOf } from '../base/fnv.ts';
import type { Log } from '../base/log.ts';
import { shownUrl } from '../config/http-url.ts';
import type { ScrapeSettings, StaticTarget } from '../config/scrape-schema.ts';
import type { ScrapeView, TargetView } from '../http/status-view.ts';
import type { PodInfo } from '../kube/pod-info.ts';
import { Relabeling } from '../metrics/relabel/relabeling.ts';
import { Scope } from '../metrics/scope.ts';
import { Names } from '../net/names.ts';
import { TaskSchedule } from '../tasks/schedule.ts';
import { PendingScrapes } from './pending.ts';
import { annotatedCandidates, selectedCandidates } from './pod-targets.ts';
import { Scraper, type ScraperWorld } from './scraper.ts';
import { type DiscoveredTarget, type ScrapeTarget, staticCandidates, type TargetSettings, targetOf } from './target.ts';

/** What the scrape needs from the agent. */
interface ScrapeWorld {
  readonly log: Log;
  readonly now: () => number;
  /** Used for the offsets of targets. */
  readonly cluster: string;
  readonly node: string;
  /** The pods of this node; undefined when no source is configured. */
  readonly pods?: (() => ReadonlyMap<string, PodInfo>) | undefined;
  /** The name of the pod that this agent runs in, which is not a target. */
  readonly ownPod: string;
  /** Labels that the push sets on every series. */
  readonly pushed: ReadonlySet<string>;
  /** Relabel rules of the group and the global ones. */
  readonly relabeling?: Relabeling | undefined;
}

const MAX_LISTED = 500;
const ORDER = { down: 0, waiting: 1, up: 2 } as const;

/** How often to check whether the known pods have changed. */
const POLL_MS = 1000;
const COLLECTOR = 'targets';

/** Finds targets and scrapes each on its own schedule; the results are pushed with the next cycle. */
export class ScrapeRole {
  readonly scope = new Scope();
  readonly #settings: ScrapeSettings;
  readonly #world: ScrapeWorld;
  readonly #names = new Names();
  readonly #schedule: TaskSchedule;
  readonly #pending: PendingScrapes;
  readonly #scraperWorld: ScraperWorld;
  readonly #scrapers = new Map<string, Scraper>();
  readonly #ending = new Set<Promise<void>>();
  #known: ReadonlyMap<string, PodInfo> | undefined;
  #poll: NodeJS.Timeout | undefined;
  #leftOut = 0;
  #dropped = 0;
  #isStopped: boolean = false;

  constructor(settings: ScrapeSettings, world: ScrapeWorld) {
    this.#settings = settings;
    this.#world = world;
    const { now, pushed } = world;
    this.#schedule = new TaskSchedule({ now, monotonicMs });
    const registers = [this.scope];
    const dropped = new Counter({
      name: 'firesteel_scrape_dropped_samples_total',
      help: 'Scraped samples dropped because too many were waiting for the next push (scrape.limits.pending).',
      registers,
    });
    const states = () => this.#states();
    new Gauge({
      name: 'firesteel_scrape_targets',
      help: 'Scrape targets of this agent, by state: up, down, waiting (for the first scrape), left_out (beyond scrape.limits.targets).',
      labelNames: ['state'] as const,
      registers,
      collect() {
        for (const [state, count] of states()) this.set({ state }, count);
      },
    });
    const pages = () => [...this.#scrapers.values()].map(({ page }) => page);
    this.#pending = new PendingScrapes(COLLECTOR, settings.limits.pending, (samples) => dropped.inc(samples), pages);
    this.scope.addPrepared(this.#pending);
    this.scope.addProducer({
      group: 'scrape',
      name: COLLECTOR,
      whenEmpty: 'each scraped page is pushed once, unchanged; the targets have their own list',
      collect: () => undefined,
    });
    this.#scraperWorld = {
      names: this.#names,
      now,
      limits: settings.limits,
      pushed,
      relabelingsOf: (target) => this.#relabelingsOf(target),
      deliver: (page, own, ended) => this.#pending.add(page, own, ended),
    };
  }

  start(): void {
    if (this.#poll) return;
    this.#reconcile();
    this.#poll = setInterval(() => {
      if (this.#world.pods?.() !== this.#known) this.#reconcile();
    }, POLL_MS);
    this.#poll.unref();
  }

  /** No scrape starts after this; resolves when scrapes in progress have ended. Series of targets are not ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#poll);
    this.#schedule.stop();
    await Promise.all([...this.#scrapers.values()].map((scraper) => scraper.close()));
    await Promise.all(this.#ending);
    this.#names.close();
  }

  /** For display; {@link MAX_LISTED} targets at most. */
  get status(): ScrapeView {
    const targets = [...this.#scrapers.values()].map((scraper): TargetView => {
      const { source, url, labels } = scraper.target;
      const nextMs = this.#schedule.nextMs(scraper);
      return { source, url: shownUrl(url), labels, ...scraper.state, ...(nextMs !== undefined && { nextMs }) };
    });
    targets.sort((one, other) => ORDER[one.state] - ORDER[other.state] || (one.url < other.url ? -1 : 1));
    const counts = this.#states();
    const count = (state: string) => counts.get(state) ?? 0;
    return {
      targets: targets.slice(0, MAX_LISTED),
      up: count('up'),
      down: count('down'),
      waiting: count('waiting'),
      leftOut: this.#leftOut,
      dropped: this.#dropped,
    };
  }

  #states(): Map<string, number> {
    const counts = new Map([
      ['up', 0],
      ['down', 0],
      ['waiting', 0],
      ['left_out', this.#leftOut],
    ]);
    for (const { state } of this.#scrapers.values()) counts.set(state.state, (counts.get(state.state) ?? 0) + 1);
    return counts;
  }

  /** Starts new targets and ends vanished ones; the others keep their schedule. */
  #reconcile(): void {
    if (this.#isStopped) return;
    this.#known = this.#world.pods?.();
    const desired = new Map<string, ScrapeTarget>();
    this.#dropped = 0;
    for (const candidate of this.#candidates()) {
      const target = targetOf(candidate);
      if (target === undefined) this.#dropped++;
      else desired.set(target.id, target);
    }
    for (const [id, scraper] of this.#scrapers) {
      if (desired.has(id)) continue;
      this.#scrapers.delete(id);
      this.#schedule.remove(scraper);
      const ending = scraper.stop().finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
    }
    this.#leftOut = 0;
    for (const [id, target] of desired) {
      if (this.#scrapers.has(id)) continue;
      if (this.#scrapers.size >= this.#settings.limits.targets) this.#leftOut++;
      else this.#begin(target);
    }
    if (this.#leftOut > 0) {
      const fields = { leftOut: this.#leftOut, limit: this.#settings.limits.targets };
      this.#world.log.warn(fields, 'more targets than scrape.limits.targets: some are not scraped');
    }
  }

  #begin(target: ScrapeTarget): void {
    const { cluster, node } = this.#world;
    const { intervalMs } = target.settings;
    const offsetMs = phaseOf(`${cluster}/${node}/${hashed(target.id)}`, intervalMs);
    const scraper = new Scraper(target, this.#scraperWorld, offsetMs);
    this.#scrapers.set(target.id, scraper);
    this.#schedule.add(scraper);
  }

  #candidates(): DiscoveredTarget[] {
    const { annotations, pods: entries, targets, relabel } = this.#settings;
    const found = staticCandidates(targets, (own) => this.#settingsOf(own), relabel);
    if (this.#known === undefined) return found;
    // Static pods are known under two uids.
    const pods = [...new Set(this.#known.values())].filter(({ name }) => name !== this.#world.ownPod);
    const byLabels = selectedCandidates(pods, entries, (own) => this.#settingsOf(own), relabel);
    const annotated = annotations.enabled ? annotatedCandidates(pods, annotations, this.#settingsOf({}), relabel) : [];
    return [...found, ...byLabels, ...annotated];
  }

  #settingsOf(own: OwnSettings): TargetSettings {
    const { interval, timeout, honorLabels, honorTimestamps, metricRelabel } = this.#settings;
    const intervalMs = own.interval ?? interval;
    return {
      intervalMs,
      timeoutMs: own.timeout ?? Math.min(timeout, intervalMs),
      honorLabels: own.honorLabels ?? honorLabels,
      honorTimestamps: own.honorTimestamps ?? honorTimestamps,
      auth: own.auth,
      tls: own.tls,
      metricRelabel: [...(own.metricRelabel ?? []), ...metricRelabel],
    };
  }

  #relabelingsOf({ settings: { metricRelabel } }: ScrapeTarget): readonly Relabeling[] {
    const { relabeling } = this.#world;
    const own = { rules: metricRelabel, metricAllowlist: [], metricDenylist: [], labels: {} };
    return [...(metricRelabel.length > 0 ? [new Relabeling(own)] : []), ...(relabeling ? [relabeling] : [])];
  }
}

/** Settings of an individual target or entry. */
type OwnSettings = Partial<
  Pick<StaticTarget, 'interval' | 'timeout' | 'honorLabels' | 'honorTimestamps' | 'auth' | 'tls' | 'metricRelabel'>
>;

/** Ids are long and have common prefixes. */
const hashed = (text: string): string => createHash('sha256').update(text).digest('base64url');
