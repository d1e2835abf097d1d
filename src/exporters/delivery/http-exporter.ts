import { REAL_CLOCK } from '../../base/clock.ts';
import type { ThrottledLog } from '../../base/log.ts';
import type { Target } from '../../config/identity.ts';
import type { Encoding } from '../../metrics/compression.ts';
import { type Group, isInline } from '../../metrics/group.ts';
import type { Batch, Exporter, ExporterStatus } from '../exporter.ts';
import type { ExporterContext } from '../exporter-type.ts';
import { endWithin } from '../http/cut-off.ts';
import { Endpoints } from '../http/endpoints.ts';
import { Sender } from '../http/sender.ts';
import type { Spool } from '../spool/spool.ts';
import { adviseSpool } from './advise-spool.ts';
import { Delivery } from './delivery.ts';
import { LeftOutFamilies } from './left-out.ts';
import { outlook, stateOf } from './outlook.ts';
import type { Protocol } from './protocol.ts';
import { PushedGroups } from './pushed-groups.ts';
import { MemoryQueue } from './queue.ts';
import type { Replay } from './replay.ts';
import { Report } from './report.ts';
import type { DeliverySettings } from './settings.ts';
import { StaleMarkers } from './stale-markers.ts';

/** At shutdown, the disk has this long after the last upload. With collection and uploads, the total is 6 s. */
const LAST_WRITES_MS = 1000;

/** Settings of one HTTP exporter. */
interface HttpExporterSettings extends DeliverySettings {
  /** Whether the agent's own groups are deleted when it stops. */
  readonly deletesOnStop?: boolean;
}

/** The code for batches on disk, which only exporters with a spool load. */
type StoredCode = typeof import('./stored.ts');

/**
 * Delivers to one receiver over HTTP. Each group has its own lane: one upload at a time, the newest batch first, so
 * that a rejected group does not delay others. Batches that exceed the memory queue go to disk, and from there to the
 * receiver when no newer ones are queued.
 */
export class HttpExporter implements Exporter {
  readonly name: string;
  readonly #protocol: Protocol;
  readonly #settings: HttpExporterSettings;
  readonly #targets: ExporterContext['targets'];
  readonly #endpoints: Endpoints;
  readonly #sender: Sender;
  readonly #log: ThrottledLog;
  readonly #now: () => number;
  readonly #report: Report;
  readonly #stopCounting: () => void;
  readonly #queue: MemoryQueue;
  readonly #delivery: Delivery;
  readonly #leftOut: LeftOutFamilies;
  readonly #spool: Spool | undefined;
  readonly #replay: Replay | undefined;
  readonly #markers: StaleMarkers | undefined;
  readonly #pushed: PushedGroups;
  /** Batches being split by the identity of their lines, and groups being deleted. */
  readonly #splitting = new Set<Promise<void>>();
  /** The groups with an upload in progress. */
  readonly #lanes = new Map<Group, Promise<void>>();
  #replaying: Promise<void> | undefined;
  /** Aborts all waits between attempts. */
  readonly #closing = new AbortController();
  /** Aborts uploads that exceed the deadline of close(). */
  readonly #cut = new AbortController();
  /** Whether a batch of this run has been settled. Batches of an earlier run wait for that. */
  #hasBegun: boolean = false;

  constructor(
    name: string,
    protocol: Protocol,
    settings: HttpExporterSettings,
    context: ExporterContext,
    stored: StoredCode | undefined,
  ) {
    const { targets, metrics, log, now, random, env, clock = REAL_CLOCK } = context;
    this.name = name;
    this.#protocol = protocol;
    this.#settings = settings;
    this.#targets = targets;
    const urls = [settings.url, ...settings.failover];
    this.#endpoints = new Endpoints(urls, settings.compression && settings.compression === 'zstd', clock, random);
    this.#sender = new Sender(settings, now, env);
    this.#log = log;
    this.#now = now;
    this.#report = new Report(name, metrics, log, now);
    const { cycles, bytes } = settings.queue;
    this.#queue = new MemoryQueue({ cycles: protocol.keepsHistory ? cycles : 1, bytes });
    this.#leftOut = new LeftOutFamilies(now);
    this.#delivery = new Delivery({
      protocol,
      settings,
      targets,
      sender: this.#sender,
      endpoints: this.#endpoints,
      report: this.#report,
      leftOut: this.#leftOut,
    });
    const address = () => this.#endpoints.current.url;
    this.#pushed = new PushedGroups({ exporter: name, protocol, targets, address, sender: this.#sender, log });
    const { endUrl } = protocol;
    if (settings.staleMarkers !== false && endUrl) {
      const url = (target: Target) => endUrl(address(), target);
      this.#markers = new StaleMarkers({
        exporter: name,
        url,
        isWanted: settings.staleMarkers === true,
        sender: this.#sender,
        clock,
        random,
        log,
        onDropped: this.#report.markersDropped,
      });
    }
    this.#stopCounting = metrics.onCollect(() => this.#count());
    if (!protocol.keepsHistory || stored === undefined) return;
    this.#spool = stored.spoolFor(name, settings, context, this.#report);
    if (this.#spool === undefined) return;
    this.#replay = new stored.Replay({
      spool: this.#spool,
      delivery: this.#delivery,
      endpoints: this.#endpoints,
      report: this.#report,
      drain: settings.drain,
      clock,
      random,
      isIdle: () => this.#hasBegun && settings.groups.every((group) => !this.#queue.has(group)),
    });
  }

  get encoding(): Encoding {
    if (!this.#protocol.keepsHistory) return 'gzip';
    return this.#endpoints.current.readsZstd === false ? 'gzip-stamped' : 'zstd';
  }

  accepts(group: Group): boolean {
    return this.#settings.groups.includes(group);
  }

  start(): void {
    if (this.#protocol.keepsHistory && this.#spool === undefined) adviseSpool(this.#log);
    this.#replaying ??= this.#replay?.run(this.#closing.signal, this.#cut.signal);
  }

  deliver(batch: Batch): void {
    if (!this.accepts(batch.group)) return;
    const { byIdentity } = this.#protocol;
    if (byIdentity && isInline(batch.group) && batch.target === undefined) {
      const splitting = this.#split(batch, byIdentity).finally(() => this.#splitting.delete(splitting));
      this.#splitting.add(splitting);
      return;
    }
    this.#keep(batch);
    this.#work(batch.group);
  }

  /** Delivers one batch for each target in it, and deletes the targets that have vanished. */
  async #split(batch: Batch, byIdentity: NonNullable<Protocol['byIdentity']>): Promise<void> {
    const { group } = batch;
    try {
      const parts = await byIdentity(batch, this.#targets[group].labels);
      const gone = this.#pushed.update(
        group,
        parts.map(({ target }) => target),
        batch.stampMs,
      );
      for (const part of parts) this.#keep(part);
      this.#work(group);
      if (gone.length > 0 && !this.#closing.signal.aborted && batch.mayPush?.() !== false)
        await this.#pushed.delete(group, gone);
    } catch (cause) {
      this.#report.unreadable(group, batch.samples, cause);
    }
  }

  get endSeries(): Exporter['endSeries'] {
    const markers = this.#markers;
    return markers && ((group, ended) => markers.end({ ...ended, target: this.#targets[group] }));
  }

  status(): ExporterStatus {
    const { type, groups } = this.#settings;
    const { current } = this.#endpoints;
    const leftOut = this.#leftOut.all;
    return {
      name: this.name,
      type,
      url: current.url,
      groups,
      state: stateOf(this.#endpoints, this.#report),
      ...this.#report.status,
      ...(leftOut.length > 0 && { leftOut }),
      ...outlook({
        endpoints: this.#endpoints,
        limits: this.#protocol.keepsHistory ? (this.#spool?.limits ?? this.#settings.queue) : undefined,
        nowMs: this.#now(),
      }),
      memory: this.#queue.sizes,
      ...(this.#spool && { spool: this.#spool.sizes }),
    };
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closing.abort();
    this.#endpoints.hurry();
    this.#spool?.hurry(deadlineMs + LAST_WRITES_MS);
    const markers = this.#markers?.close(deadlineMs);
    await endWithin(deadlineMs, this.#cut, this.#endpoints, this.#lastUploads());
    if (this.#settings.deletesOnStop) await this.#pushed.deleteAll();
    const left = this.#queue.takeAll();
    await Promise.all(left.map((batch) => this.#overflow(batch, 'shutdown')));
    await Promise.all([this.#spool?.close(), markers]);
    this.#count();
    this.#stopCounting();
    this.#sender.close();
  }

  async #lastUploads(): Promise<void> {
    // A split may still add to the lanes.
    await Promise.all(this.#splitting);
    await Promise.all([...this.#lanes.values(), this.#replaying]);
  }

  #work(group: Group): void {
    if (this.#lanes.has(group)) return;
    const work = this.#drain(group).then(() => {
      this.#lanes.delete(group);
      // A batch may have arrived while the lane was ending.
      if (this.#queue.has(group) && !this.#closing.signal.aborted) this.#work(group);
    });
    this.#lanes.set(group, work);
  }

  /** Sends until the lane is empty; while closing, until the receiver does not accept a batch. */
  async #drain(group: Group): Promise<void> {
    while (this.#queue.has(group) && !this.#cut.signal.aborted) {
      const permit = await this.#endpoints.permitUntilCut(this.#closing.signal, this.#cut.signal, group);
      const batch = permit && this.#queue.takeNewest(group);
      if (!batch) {
        if (permit) this.#endpoints.settle(permit, 'unused');
        return;
      }
      const outcome = await this.#delivery.try(batch, permit, this.#cut.signal);
      this.#pushed.add(group);
      if (outcome === 'settled') this.#hasBegun = true;
      else for (const part of outcome.again) this.#keep(part);
    }
  }

  /** Queues a batch in memory, and moves batches that no longer fit to disk. */
  #keep(batch: Batch): void {
    const full = this.#protocol.keepsHistory ? 'queue_full' : 'replaced';
    const reason = this.#closing.signal.aborted ? 'shutdown' : full;
    for (const displaced of this.#queue.add(batch)) void this.#overflow(displaced, reason);
  }

  /** Writes a batch to disk, or drops it for `reason`. */
  async #overflow(batch: Batch, reason: string): Promise<void> {
    // An agent that is no longer leader does not spool the leader's batch. A batch already on disk may be sent later,
    // with its own timestamp.
    if (batch.mayPush?.() === false) this.#report.dropped('not_master', batch.samples);
    else if (this.#spool === undefined) this.#report.dropped(reason, batch.samples);
    else await this.#spool.put({ ...batch, target: batch.target ?? this.#targets[batch.group] });
  }

  #count(): void {
    const memory = this.#queue.sizes;
    const spool = this.#spool?.sizes;
    this.#report.queue({ memory, ...(spool && { spool }) }, this.#settings.queue.bytes, this.#endpoints.isOpen);
  }
}
