import { REAL_CLOCK } from '../../base/clock.ts';
import { Semaphore } from '../../base/semaphore.ts';
import type { LogSourceName } from '../../logs/entry.ts';
import type { LogSink, Shipped } from '../../logs/sink.ts';
import type { Encoding } from '../../metrics/compression.ts';
import { outlook, stateOf } from '../delivery/outlook.ts';
import type { Exporter, ExporterStatus } from '../exporter.ts';
import type { ExporterContext } from '../exporter-type.ts';
import { endWithin } from '../http/cut-off.ts';
import { Endpoints } from '../http/endpoints.ts';
import { Sender } from '../http/sender.ts';
import type { HttpSettings } from '../http/settings.ts';
import { Buffers } from './buffers.ts';
import { EncodedBatch } from './encoded-batch.ts';
import { EntryUpload } from './entry-upload.ts';
import type { LogProtocol } from './protocol.ts';
import { EntryReport } from './report.ts';

/** What the settings of all types that deliver log entries share. */
export interface EntrySettings extends HttpSettings {
  readonly type: string;
}

/** Concurrent batches of one source: uploads, and one that is being read. */
const MAX_IN_FLIGHT = 4;
/** Room for the last entry of a batch, which may exceed the limit. */
const SPARE_BYTES = 64 * 1024;

/** `url` with the path and query of the protocol, unless it has its own path. */
export function entryUrl(url: string, path: string): string {
  const { pathname, search } = new URL(url);
  return pathname === '/' && search === '' ? url.replace(/\/$/, '') + path : url;
}

/**
 * Delivers log entries to one receiver. Accepts no series. It holds entries only while they are being sent: the caller
 * keeps their position until it knows the result.
 */
export class EntryExporter implements Exporter, LogSink {
  readonly name: string;
  readonly encoding: Encoding = 'gzip';
  readonly maxInFlight: number;
  readonly #protocol: LogProtocol;
  readonly #buffers: Buffers;
  readonly #type: string;
  readonly #parallel: number;
  readonly #report: EntryReport;
  readonly #endpoints: Endpoints;
  readonly #sender: Sender;
  readonly #now: () => number;
  readonly #upload: EntryUpload;
  /** The uploads of each source. */
  readonly #slots = new Map<string, Semaphore>();
  readonly #closing = new AbortController();
  /** Aborts uploads that exceed the deadline of close(). */
  readonly #cut = new AbortController();
  readonly #inProgress = new Set<Promise<unknown>>();

  constructor(name: string, settings: EntrySettings, protocol: LogProtocol, context: ExporterContext) {
    const { metrics, log, now, random, env, clock = REAL_CLOCK } = context;
    this.name = name;
    this.#type = settings.type;
    this.#now = now;
    this.#parallel = Math.min(protocol.parallel, MAX_IN_FLIGHT);
    this.maxInFlight = Math.min(protocol.parallel + 1, MAX_IN_FLIGHT);
    this.#protocol = protocol;
    this.#buffers = new Buffers(protocol.maxBatchBytes + SPARE_BYTES);
    this.#report = new EntryReport(name, metrics, log, now);
    const urls = [settings.url, ...settings.failover].map((url) => entryUrl(url, protocol.path));
    this.#endpoints = new Endpoints(urls, false, clock, random);
    this.#sender = new Sender(settings, now, env);
    this.#upload = new EntryUpload({
      protocol,
      timeoutMs: settings.timeout ?? TIMEOUT_MS,
      sender: this.#sender,
      endpoints: this.#endpoints,
      report: this.#report,
      cut: this.#cut.signal,
    });
  }

  /** The exporter itself is the sink for entries. */
  get entries(): LogSink {
    return this;
  }

  accepts(): boolean {
    return false;
  }

  start(): void {}

  deliver(): void {}

  begin(source: LogSourceName): EncodedBatch {
    return new EncodedBatch(source, this.#protocol, this.#buffers);
  }

  async ship(batch: EncodedBatch, signal: AbortSignal): Promise<Shipped | undefined> {
    const work = this.#ship(batch, AbortSignal.any([signal, this.#closing.signal]));
    this.#inProgress.add(work);
    try {
      return await work;
    } finally {
      this.#inProgress.delete(work);
    }
  }

  status(): ExporterStatus {
    return {
      name: this.name,
      type: this.#type,
      url: this.#endpoints.current.url,
      groups: [],
      state: stateOf(this.#endpoints, this.#report),
      ...this.#report.status,
      ...outlook({ endpoints: this.#endpoints, limits: undefined, nowMs: this.#now() }),
      memory: { bodies: this.#inProgress.size, bytes: this.#upload.bytes },
      sentSamples: 0,
      dropped: {},
    };
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closing.abort();
    this.#endpoints.wake();
    await endWithin(deadlineMs, this.#cut, this.#endpoints, Promise.all(this.#inProgress));
    this.#sender.close();
  }

  async #ship(batch: EncodedBatch, signal: AbortSignal): Promise<Shipped | undefined> {
    const { source } = batch;
    const slots = this.#slots.get(source) ?? new Semaphore(this.#parallel);
    this.#slots.set(source, slots);
    await slots.take();
    const wake = () => this.#endpoints.wake();
    signal.addEventListener('abort', wake);
    try {
      return signal.aborted ? undefined : await this.#upload.deliver(source, batch, signal);
    } finally {
      signal.removeEventListener('abort', wake);
      slots.release();
    }
  }
}

const TIMEOUT_MS = 60_000;
