import { setImmediate } from 'node:timers/promises';
import { asError } from '../base/error-text.ts';
import { KeyMap } from '../base/key-map.ts';
import { turn } from '../base/turns.ts';
import { ApiBodyError, ApiError, type KubeApi, type KubeStatus, METADATA_EVENTS } from './api.ts';
import { type FailureLog, isNotServed } from './failure-log.ts';
import { KnownObjects } from './known-objects.ts';
import { listPages, MAX_OBJECT_BYTES } from './list-pages.ts';
import { type KubeObject, keyOf } from './object.ts';
import type { ReflectorFailure, ReflectorHandler, ReflectorSource } from './reflector-source.ts';
import { type ListReason, ReflectorStats } from './reflector-stats.ts';
import { pausesAfter, type ReflectorTiming, reasonToList, retryDelay } from './retry.ts';
import { decodeWatch, type WatchEvent } from './watch-stream.ts';

/**
 * Objects of a collection that the server no longer serves are dropped after this time: an upgrade may remove it
 * temporarily.
 */
const GONE_AFTER_MS = 300_000;

/** The versions of a stream went backwards. */
class ReorderedError extends Error {
  override readonly name = 'ReorderedError';
}

/**
 * Follows a collection: lists it in pages, then watches from the resourceVersion of the list and resumes there after
 * every interruption. Lists again only when the server no longer has that version or the stream can't be trusted;
 * objects absent from a list are gone. Objects are passed to the handler and not retained; only key and version of each
 * are stored.
 *
 * The key is the name, not the uid. When an object is replaced while the watch is down, the new one replaces the old
 * one immediately. By uid, both would be present until the end of the list, with the same series twice.
 */
export class Reflector<O extends KubeObject = KubeObject> {
  readonly stats = new ReflectorStats();
  readonly #api: KubeApi;
  readonly #source: ReflectorSource;
  readonly #timing: ReflectorTiming;
  readonly #failures: FailureLog;
  readonly #stopping = new AbortController();
  #path: string;
  readonly #known: KnownObjects<O>;
  /** Where to resume; undefined until the first list is complete. */
  #version: string | undefined;
  #listFor: ListReason | undefined = 'start';
  /** Whether the last watch delivered a bookmark; assumed of the first one, as all servers since Kubernetes 1.17 do. */
  #sendsBookmarks: boolean = true;
  /** When the current or last watch was opened; undefined when it was refused. */
  #watchingSince: number | undefined;
  #undecodableAt: string | undefined;
  #refused = false;
  #failure: ReflectorFailure | undefined;
  /** When the collection stopped being served. */
  #notServedSince: number | undefined;
  #running: Promise<void> | undefined;

  constructor(
    api: KubeApi,
    source: ReflectorSource,
    handler: ReflectorHandler<O>,
    failures: FailureLog,
    timing: ReflectorTiming,
  ) {
    this.#api = api;
    this.#source = source;
    this.#path = source.path;
    this.#timing = timing;
    this.#failures = failures;
    this.#known = new KnownObjects(handler, failures, this.stats);
  }

  /** Whether the first list is complete. */
  get synced(): boolean {
    return this.#version !== undefined;
  }

  /** Whether objects may be missing that are older than others already passed on: a list is not complete. */
  get listing(): boolean {
    return this.#listFor !== undefined;
  }

  /** Whether waiting for the first list is pointless: it is complete, or was refused with 403 or 404. */
  get settled(): boolean {
    return this.synced || this.#refused;
  }

  /** Whether the last response was 403 or 404: no permission for these objects, or no such resource. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Why the collection is not followed; undefined while it is, and after a single broken connection. */
  get failure(): ReflectorFailure | undefined {
    return this.#failure;
  }

  /** Starts following; call once only. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Stops following; no request or handler call happens after the promise resolves. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { wallMs, sleep, random, healthyMs } = this.#timing;
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      this.#watchingSince = undefined;
      let error: unknown;
      try {
        if (this.#listFor !== undefined) await this.#list(this.#listFor);
        await this.#watch();
      } catch (cause) {
        error = cause;
      }
      if (signal.aborted) return;
      const healthy = this.#watchingSince !== undefined && wallMs() - this.#watchingSince >= healthyMs;
      if (healthy) failures = 0;
      if (error === undefined && healthy) {
        // Not a slice: one turn later its connection is free for the next watch.
        await setImmediate();
        continue;
      }
      const delayMs = retryDelay(failures, error, random, pausesAfter(error, this.#source));
      if (error !== undefined) await this.#judge(error, failures, wallMs() + delayMs);
      await sleep(delayMs, signal);
      failures++;
    }
  }

  /** Decides whether the watch can be resumed after `error`. */
  async #judge(error: unknown, failures: number, nextTryMs: number): Promise<void> {
    const reason = this.#reasonToList(error);
    if (reason === 'reordered') this.#listFor = reason;
    else if (reason !== undefined) this.#listFor ??= reason;
    this.#refused = error instanceof ApiError && (error.status === 403 || error.status === 404);
    // It is normal for the API server to drop a version after a while.
    if (reason === 'expired') return;
    const notServed = isNotServed(error, this.#path);
    if (!notServed) this.#notServedSince = undefined;
    else await this.#endVanished();
    // A single broken connection is normal on any network; a refusal is not.
    if (failures === 0 && !(error instanceof ApiError)) return;
    const { wallMs } = this.#timing;
    this.#failure = { error: asError(error), notServed, sinceMs: this.#failure?.sinceMs ?? wallMs(), nextTryMs };
    this.#failures.failed(this.#source.path, error);
  }

  /** The collection is not served: after a while its objects count as deleted. */
  async #endVanished(): Promise<void> {
    const nowMs = this.#timing.wallMs();
    this.#notServedSince ??= nowMs;
    if (nowMs - this.#notServedSince < GONE_AFTER_MS) return;
    await this.#known.deleteOthers(this.#path, new KeyMap(), this.#stopping.signal);
    this.#version = undefined;
    this.#listFor ??= 'refused';
  }

  /** The server has responded as expected: clears the failure. */
  #over(): void {
    this.#failure = undefined;
    this.#notServedSince = undefined;
    this.#failures.over(this.#source.path);
  }

  #reasonToList(error: unknown): ListReason | undefined {
    if (error instanceof ReorderedError) return 'reordered';
    if (error instanceof ApiBodyError) {
      this.stats.events.malformed++;
      // An event damaged on the way will be intact when requested again; if not, only a list gets past it.
      const again = this.#undecodableAt === this.#version;
      this.#undecodableAt = this.#version;
      return again ? 'undecodable' : undefined;
    }
    return error instanceof ApiError ? reasonToList(error) : undefined;
  }

  async #list(reason: ListReason): Promise<void> {
    this.stats.listReasons[reason]++;
    try {
      this.#version = await this.#listPages(reason);
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.stats.lists.error++;
      throw error;
    }
    this.#listFor = undefined;
    this.stats.lists.success++;
  }

  /** Lists everything and resolves to the version of the list. */
  async #listPages(reason: ListReason): Promise<string> {
    const { signal } = this.#stopping;
    const { locate } = this.#source;
    if (locate) this.#path = await locate(signal);
    const seen = new KeyMap<true>();
    const take = (object: KubeObject, kind: string | undefined) => {
      this.#checkKind(kind);
      this.stats.lastListedMs = this.#timing.wallMs();
      const key = keyOf(object.metadata);
      seen.set(key, true);
      const order = Number(object.metadata?.resourceVersion);
      if (reason === 'reordered' || this.#known.versionOf(key) !== order) {
        this.#known.upsert(this.#path, key, order, object as O);
      }
    };
    let version = '';
    for await (const page of listPages(this.#api, this.#path, this.#source, { seen, take, signal })) {
      version = page.resourceVersion;
      // After a server was reset, versions may refer to other contents than those we know: start over and take all.
      if (reason !== 'reordered' && Number(version) < Number(this.#version)) {
        throw new ReorderedError(`list at ${version} after ${this.#version}`);
      }
    }
    await this.#known.deleteOthers(this.#path, seen, signal);
    return version;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    const path = this.#path;
    const { metadataOnly, skipsManagers, fieldSelector, labelSelector } = this.#source;
    const { wallMs, random, idleMs, watchMs } = this.#timing;
    // Without bookmarks the server has to end a watch before our deadline, which is only meant for dead connections.
    const longestMs = this.#sendsBookmarks ? watchMs : 0.9 * idleMs;
    this.#sendsBookmarks = false;
    let events: AsyncIterable<Buffer>;
    try {
      const query = {
        watch: true,
        resourceVersion: this.#version,
        allowWatchBookmarks: true,
        timeoutSeconds: Math.ceil((longestMs / 1000) * (0.6 + 0.4 * random())),
        fieldSelector,
        labelSelector,
      };
      const request = { path, query, ...(metadataOnly && { accept: METADATA_EVENTS }), signal };
      events = await this.#api.stream(request, idleMs);
      signal.throwIfAborted();
      this.stats.watches.success++;
      this.#refused = false;
      this.#over();
      this.#watchingSince = wallMs();
      for await (const event of decodeWatch(events, path, MAX_OBJECT_BYTES, skipsManagers)) {
        await turn();
        signal.throwIfAborted();
        this.stats.lastEventMs = wallMs();
        this.#apply(event);
      }
    } catch (error) {
      if (!signal.aborted) this.stats.watches.error++;
      throw error;
    }
  }

  #apply({ type, object }: WatchEvent): void {
    if (type === 'ERROR') {
      const status: KubeObject & KubeStatus = object;
      throw new ApiError(`WATCH ${this.#path}`, status.code ?? 500, JSON.stringify(status));
    }
    this.#checkKind(object.kind);
    const version = object.metadata?.resourceVersion;
    if (!version) throw new ApiBodyError(this.#path, 'malformed', `${type} without a resourceVersion`);
    const order = Number(version);
    const reached = Number(this.#version);
    if (type === 'BOOKMARK') {
      this.#sendsBookmarks = true;
      if (order < reached) throw new ReorderedError(`bookmark at ${version} after ${this.#version}`);
    } else {
      const key = keyOf(object.metadata);
      const known = this.#known.versionOf(key);
      const deleted = type === 'DELETED';
      // An unknown object that is not newer than what we have seen was already deleted, or its event was lost.
      if (deleted ? order < (known ?? 0) : order < (known ?? reached + 1)) {
        throw new ReorderedError(`${type} ${key} at ${version} after ${known ?? this.#version}`);
      }
      if (deleted ? known === undefined : known === order) {
        this.stats.events.duplicate++;
      } else {
        if (deleted) this.#known.delete(this.#path, key);
        else this.#known.upsert(this.#path, key, order, object as O);
        this.stats.events.applied++;
      }
    }
    if (!(order < reached)) this.#version = version;
  }

  /** An API server, or a proxy in front of it, that mixes up responses must not turn secrets into pods. */
  #checkKind(found: string | undefined): void {
    const { kind, metadataOnly } = this.#source;
    // Servers that can't omit contents send the full objects.
    if (found === kind || (metadataOnly && found === 'PartialObjectMetadata')) return;
    throw new ApiBodyError(this.#path, 'malformed', `expected an object of kind ${kind}, got ${found}`);
  }
}
