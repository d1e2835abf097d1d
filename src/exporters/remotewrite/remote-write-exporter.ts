import { REAL_CLOCK } from '../../base/clock.ts';
import type { ThrottledLog } from '../../base/log.ts';
import type { Target } from '../../config/identity.ts';
import type { Encoding } from '../../metrics/compression.ts';
import type { Group } from '../../metrics/group.ts';
import { adviseSpool } from '../delivery/advise-spool.ts';
import { outlook, stateOf } from '../delivery/outlook.ts';
import { Report } from '../delivery/report.ts';
import { spoolFor } from '../delivery/spool-for.ts';
import type { Batch, CollectedSamples, EndedSeries, Exporter, ExporterStatus } from '../exporter.ts';
import type { ExporterContext } from '../exporter-type.ts';
import { endWithin } from '../http/cut-off.ts';
import { Endpoints } from '../http/endpoints.ts';
import { Sender } from '../http/sender.ts';
import { Backlog } from './backlog.ts';
import { Channel, type RequestOutcome } from './channel.ts';
import { Refresh } from './refresh.ts';
import { RequestWriter } from './requests.ts';
import { bytesOf, type PackedText, type SampleBatch } from './sample-batch.ts';
import type { RemoteWriteSettings } from './settings.ts';

/** Concurrent requests of one batch. They have no series in common: each series stays in order. */
const PARALLEL = 4;

/** At shutdown, the disk has this long after the last upload. */
const LAST_WRITES_MS = 1000;

/**
 * Delivers to one receiver over Prometheus remote write. All batches form one queue, oldest first: those on disk, then
 * those in memory, then new ones, because receivers reject samples older than those they have.
 */
export class RemoteWriteExporter implements Exporter {
  readonly name: string;
  readonly encoding: Encoding = 'zstd';
  readonly #settings: RemoteWriteSettings;
  readonly #targets: Readonly<Record<Group, Target>>;
  readonly #log: ThrottledLog;
  readonly #now: () => number;
  readonly #report: Report;
  readonly #stopCounting: () => void;
  readonly #endpoints: Endpoints;
  readonly #sender: Sender;
  readonly #channel: Channel;
  readonly #backlog: Backlog;
  readonly #writers = new Map<Group, RequestWriter>();
  readonly #refreshes = new Map<Group, Refresh>();
  /** Aborts all waits between attempts. */
  readonly #closing = new AbortController();
  /** Aborts uploads that exceed the deadline of close(). */
  readonly #cut = new AbortController();
  #arrived = Promise.withResolvers<void>();
  #working: Promise<void> | undefined;
  /** The batch that was being sent at shutdown. */
  #unsent: SampleBatch | undefined;

  constructor(name: string, settings: RemoteWriteSettings, context: ExporterContext) {
    const { targets, metrics, log, now, random, env, clock = REAL_CLOCK } = context;
    this.name = name;
    this.#settings = settings;
    this.#targets = targets;
    this.#log = log;
    this.#now = now;
    this.#report = new Report(name, metrics, log, now);
    this.#endpoints = new Endpoints([settings.url, ...settings.failover], undefined, clock, random);
    this.#sender = new Sender(settings, now, env);
    this.#channel = new Channel({
      settings,
      sender: this.#sender,
      endpoints: this.#endpoints,
      report: this.#report,
      closing: this.#closing.signal,
      cut: this.#cut.signal,
    });
    const spool = spoolFor(name, settings, context, this.#report);
    this.#backlog = new Backlog(settings.queue, spool, this.#report);
    this.#stopCounting = metrics.onCollect(() => this.#count());
  }

  accepts(group: Group): boolean {
    return this.#settings.groups.includes(group);
  }

  start(): void {
    if (this.#backlog.sizes.spool === undefined) adviseSpool(this.#log);
    this.#working ??= this.#work();
  }

  deliver({ group, stampMs, samples, encoding, members, target = this.#targets[group], ...fate }: Batch): void {
    const { mayPush, onSettled } = fate;
    const texts: PackedText[] = [{ compression: encoding === 'zstd' ? 'zstd' : 'gzip', members }];
    this.#add({ ...plain(group, stampMs, target), texts, samples, bytes: bytesOf(0, texts), mayPush, onSettled });
  }

  readonly deliverSamples = ({ group, stampMs, snapshots, prepared, births, ...fate }: CollectedSamples): void => {
    const { mayPush, onSettled } = fate;
    if (!this.accepts(group)) return;
    const refresh = this.#refreshes.get(group) ?? new Refresh(this.#settings.refresh);
    this.#refreshes.set(group, refresh);
    const own = snapshots.reduce((sum, { unpushedSize }) => sum + unpushedSize, 0) + births.length;
    let samples = own;
    const texts: PackedText[] = [];
    for (const { members, encoding, samples: all, isKept = false } of prepared) {
      const chosen = refresh.choose({ members, compression: encoding, isKept }, stampMs);
      if (chosen.members.length === 0) continue;
      texts.push(chosen);
      // The number in each member is unknown until it is decompressed.
      samples += Math.round((all * bytesOf(0, [chosen])) / Math.max(1, bytesOf(0, [{ ...chosen, members }])));
    }
    const zeros = new Map(births.map(({ key, stampMs: bornMs }) => [key, bornMs]));
    const batch = {
      ...plain(group, stampMs, this.#targets[group]),
      snapshots,
      texts,
      zeros,
      samples,
      mayPush,
      onSettled,
    };
    this.#add({ ...batch, bytes: bytesOf(own, texts) });
  };

  readonly endSeries = (group: Group, { stampMs, keys, lost, mayPush }: EndedSeries): void => {
    this.#report.markersDropped('too_many', lost);
    const bytes = keys.reduce((sum, { length }) => sum + length, 0);
    this.#add({ ...plain(group, stampMs, this.#targets[group]), ended: keys, samples: keys.length, bytes, mayPush });
  };

  status(): ExporterStatus {
    const { type, groups } = this.#settings;
    return {
      name: this.name,
      type,
      url: this.#endpoints.current.url,
      groups,
      state: stateOf(this.#endpoints, this.#report),
      ...this.#report.status,
      ...outlook({ endpoints: this.#endpoints, limits: this.#backlog.limits, nowMs: this.#now() }),
      ...this.#backlog.sizes,
    };
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closing.abort();
    this.#endpoints.hurry();
    this.#wake();
    this.#backlog.hurry(deadlineMs + LAST_WRITES_MS);
    await endWithin(deadlineMs, this.#cut, this.#endpoints, this.#working);
    await this.#backlog.close(this.#unsent);
    this.#count();
    this.#stopCounting();
    this.#sender.close();
  }

  #add(batch: SampleBatch): void {
    if (batch.samples === 0 || !this.accepts(batch.group)) return;
    this.#backlog.add(batch);
    this.#wake();
  }

  #wake(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  /** Sends until shutdown; while closing, until the receiver does not accept a request. */
  async #work(): Promise<void> {
    const { signal } = this.#closing;
    await this.#backlog.open(signal, () => this.#wake());
    while (!this.#cut.signal.aborted) {
      const arrived = this.#arrived.promise;
      const next = await this.#backlog.next(signal.aborted);
      if (next === undefined) {
        if (signal.aborted) return;
        await arrived;
        continue;
      }
      const outcome = await this.#send(next.batch).catch((cause: unknown): RequestOutcome => {
        this.#report.unreadable(next.batch.group, next.batch.samples, cause);
        return 'settled';
      });
      if (outcome === 'left') {
        if (!next.entry) this.#unsent = next.batch;
        return;
      }
      if (outcome === 'settled') next.batch.onSettled?.();
      await this.#backlog.settle(next);
    }
  }

  async #send(batch: SampleBatch): Promise<RequestOutcome> {
    const writer = this.#writers.get(batch.group) ?? new RequestWriter();
    this.#writers.set(batch.group, writer);
    for (;;) {
      const outcome = await this.#sendOnce(batch, writer);
      if (outcome === 'fenced') this.#report.dropped('not_master', batch.samples);
      if (outcome !== 'rewrite') return outcome;
    }
  }

  /** Sends all requests of a batch, a few concurrently. Stops at the first that is not settled. */
  async #sendOnce(batch: SampleBatch, writer: RequestWriter): Promise<RequestOutcome> {
    const options = this.#channel.takeRequestOptions();
    const inProgress = new Set<Promise<void>>();
    let worst: RequestOutcome = 'settled';
    for await (const request of writer.write(batch, options)) {
      if (request.isLater) await Promise.all(inProgress);
      else if (inProgress.size >= PARALLEL) await Promise.race(inProgress);
      if (worst !== 'settled') break;
      const sent: Promise<void> = this.#channel.send(request, options, batch).then((outcome) => {
        if (outcome !== 'settled') worst = outcome;
        inProgress.delete(sent);
      });
      inProgress.add(sent);
    }
    await Promise.all(inProgress);
    return worst;
  }

  #count(): void {
    this.#report.queue(this.#backlog.sizes, this.#settings.queue.bytes, this.#endpoints.isOpen);
  }
}

const plain = (group: Group, stampMs: number, target: Target) => ({
  ...{ group, stampMs, target },
  snapshots: [],
  texts: [],
  ended: [],
  zeros: new Map<string, number>(),
});
