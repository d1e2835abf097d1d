import type { Log } from '../../base/log.ts';
import type { KubeApi } from '../../kube/api.ts';
import { FailureLog } from '../../kube/failure-log.ts';
import type { KubeObject } from '../../kube/object.ts';
import { Reflector } from '../../kube/reflector.ts';
import { REAL_TIMING, type ReflectorTiming } from '../../kube/retry.ts';
import type { Compression } from '../../metrics/compression.ts';
import type { Ended } from '../../metrics/ended.ts';
import type { Family } from '../../metrics/family.ts';
import type { ResourceStatus } from '../../metrics/outcome.ts';
import type { Prepared, PreparedText } from '../../metrics/prepared.ts';
import type { PushedLabelOptions } from '../../metrics/pushed-labels.ts';
import type { Relabeling } from '../../metrics/relabel/relabeling.ts';
import { type KsmOptions, namespaceFilter } from './options.ts';
import type { PodIndex } from './pod-index.ts';
import type { Renderer } from './render.ts';
import { renderersOf } from './renderers.ts';
import { type Resource, uniqueName } from './resource.ts';
import { type Followed, isDown, statusOf, wasListed } from './resource-status.ts';
import { type ClaimedTexts, SeriesClaims } from './series-claims.ts';
import { SeriesNotes } from './series-notes.ts';
import { shardOf } from './shard-of.ts';
import { sourcesOf } from './sources.ts';
import { EndedSeriesTracker } from './store/ended-series.ts';
import { type Packing, packingOf } from './store/packing.ts';
import { ObjectStore, type StoreText } from './store/store.ts';
import { TextArena } from './store/text-arena.ts';

export interface ClusterStateOptions {
  readonly api: KubeApi;
  readonly options: KsmOptions;
  /** The resources of `options.resources`, and custom resources. */
  readonly resources: readonly Resource[];
  /** Receives the pods and their owners. */
  readonly pods: PodIndex;
  /** Called with each Lease that is added or changed. */
  readonly onLease?: ((lease: KubeObject) => void) | undefined;
  /** How the text is stored and pushed. */
  readonly compression: Compression;
  /** Whether to record which series have ended, for receivers that need it. */
  readonly notesEnded?: boolean;
  /** What pushes do to the labels of the state; none when it is not pushed. */
  readonly pushed?: PushedLabelOptions | undefined;
  /** Rules for the series. */
  readonly relabel?: Relabeling | undefined;
  readonly log: Log;
  readonly timing?: ReflectorTiming;
}

/**
 * The first push waits for all resources, but at most this long after the last object: one that fails permanently must
 * not hold back the others.
 */
const PATIENCE_MS = 60_000;
/** Upper limit, even if a resource keeps restarting its list. */
const LONGEST_PATIENCE_MS = 600_000;

/** Follows all configured resources and stores the text about their objects, compressed. */
export class ClusterState implements Prepared {
  readonly group = 'ksm';
  readonly collector = 'kube-state-metrics';
  readonly followed: readonly Followed[];
  readonly #stores: readonly ObjectStore[];
  readonly #packing: Packing;
  readonly #pods: PodIndex;
  readonly #onLease: ClusterStateOptions['onLease'];
  readonly #log: Log;
  readonly #timing: ReflectorTiming;
  readonly #ended: EndedSeriesTracker | undefined;
  #startedMs = Number.NaN;
  /** The last text, and what it was made of. */
  #last: { readonly texts: readonly StoreText[]; readonly text: PreparedText } | undefined;

  constructor({
    api,
    options,
    resources,
    pods,
    onLease,
    compression,
    notesEnded,
    pushed,
    relabel,
    log,
    timing = REAL_TIMING,
  }: ClusterStateOptions) {
    this.#pods = pods;
    this.#onLease = onLease;
    this.#log = log;
    this.#timing = timing;
    this.#ended = notesEnded ? new EndedSeriesTracker(timing.wallMs) : undefined;
    const failures = new FailureLog(log, timing.wallMs);
    this.#packing = packingOf(compression);
    const arena = new TextArena();
    const renderers = renderersOf(resources, options, pushed, relabel);
    const newStore = (families: readonly Family[]) => new ObjectStore(families, this.#packing, arena, this.#ended);
    const sharing = renderers.filter(({ resource }) => resource.sharesFamilies);
    const shared = {
      store: newStore(distinct(sharing.flatMap(({ families }) => families))),
      claims: new SeriesClaims(),
    };
    this.followed = renderers.map((renderer) => {
      const { resource } = renderer;
      const { store, claims } = resource.sharesFamilies
        ? shared
        : { store: newStore(renderer.families), claims: resource.custom ? new SeriesClaims() : undefined };
      const ownsStore = store !== shared.store || renderer === sharing[0];
      const renderErrors = { count: 0 };
      const notes = new SeriesNotes();
      const kept = { resource, store, ownsStore, renderErrors, claims, notes };
      const handler = this.#handler(renderer, kept, objectFilter(options, resource));
      const reflectors = sourcesOf(api, resource, options).map(
        (source) => new Reflector(api, source, handler, failures, timing),
      );
      return { ...kept, reflectors };
    });
    this.#stores = this.followed.filter(({ ownsStore }) => ownsStore).map(({ store }) => store);
  }

  /** Whether every resource has been listed once, or was refused. */
  get settled(): boolean {
    return this.followed.every(({ reflectors }) => reflectors.every(({ settled }) => settled));
  }

  /** The state of each resource. */
  get statuses(): readonly ResourceStatus[] {
    return this.followed.map(statusOf);
  }

  /** A description of failing resources; undefined when none is failing. */
  get down(): string | undefined {
    if (!this.followed.some(isDown)) return undefined;
    const down = this.followed.filter(isDown).map(statusOf);
    const more = down.length > 1 ? ` (and ${down.length - 1} more of ${this.followed.length} resources)` : '';
    return `${down[0]?.resource}: ${down[0]?.error}${more}`;
  }

  /**
   * Why the collector is not ready, a line for each resource that the server has but that was never listed; empty when
   * it is ready.
   */
  get unready(): readonly string[] {
    const missing = this.followed.filter((one) => !one.reflectors.every(wasListed));
    return missing.map(statusOf).map(({ resource, state, objects, error }) => {
      const why = state === 'down' ? error : `not listed yet, ${objects} objects so far`;
      return `ksm.${resource}: ${why}`;
    });
  }

  /** Whether the pods have been listed once. */
  get podsSynced(): boolean {
    const pods = this.followed.find(({ resource }) => uniqueName(resource) === 'pods');
    return pods?.reflectors.every(({ synced }) => synced) ?? false;
  }

  start(): void {
    this.#startedMs = this.#timing.wallMs();
    for (const { reflectors } of this.followed) for (const reflector of reflectors) reflector.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.followed.flatMap(({ reflectors }) => reflectors.map((reflector) => reflector.stop())));
  }

  async text(signal: AbortSignal): Promise<PreparedText | undefined> {
    if (!this.settled && this.#isPatient()) return undefined;
    const texts: StoreText[] = [];
    for (const store of this.#stores) {
      const pending = store.text();
      // Most have not changed, so there is nothing to wait for.
      if (pending instanceof Promise) signal.throwIfAborted();
      texts.push(pending instanceof Promise ? await pending : pending);
    }
    const last = this.#last;
    // The same object, so that what depends on it only needs to be compared by identity, not by thousands of members.
    if (last !== undefined && texts.every((text, index) => text === last.texts[index])) return last.text;
    const text = {
      encoding: this.#packing.compression,
      members: texts.flatMap(({ members }) => members),
      textBytes: texts.reduce((sum, { textBytes }) => sum + textBytes, 0),
      samples: texts.reduce((sum, { samples }) => sum + samples, 0),
      isKept: true,
    };
    this.#last = { texts, text };
    return text;
  }

  takeEnded(): Ended {
    return this.#ended?.take() ?? { keys: [], lost: 0 };
  }

  async *byFamily(): AsyncGenerator<Buffer> {
    for (const store of this.#stores) yield* store.byFamily();
  }

  families(): ReturnType<Prepared['families']> {
    return this.#stores.flatMap((store) => store.families());
  }

  async *lines(family: string): AsyncGenerator<string> {
    for (const store of this.#stores) yield* store.lines(family);
  }

  /** Whether to keep waiting for resources that are not listed yet. */
  #isPatient(): boolean {
    const now = this.#timing.wallMs();
    const listed = this.followed.flatMap(({ reflectors }) => reflectors.map(({ stats }) => stats.lastListedMs ?? 0));
    return now - Math.max(this.#startedMs, ...listed) < PATIENCE_MS && now - this.#startedMs < LONGEST_PATIENCE_MS;
  }

  #handler(
    renderer: Renderer,
    { store, renderErrors, claims, notes }: Omit<Followed, 'reflectors'>,
    isOurs: (object: KubeObject) => boolean,
  ) {
    const index = indexOf(this.#pods, renderer.resource, this.#onLease);
    const resource = renderer.resource.name;
    const keep = (texts: ClaimedTexts) => {
      for (const [key, text] of texts) store.set(key, text);
    };
    const prefix = renderer.resource.sharesFamilies ? `${uniqueName(renderer.resource)} ` : '';
    const drop = (key: string) => {
      notes.delete(key);
      store.delete(prefix + key);
      if (claims) keep(claims.delete(prefix + key));
    };
    return {
      onUpsert: (key: string, object: KubeObject) => {
        index?.upsert(key, object);
        // It may have replaced one of ours: a list shows a recreated object, whose uid is of another shard, as a change.
        if (!isOurs(object)) return drop(key);
        const rendered = renderer.renderBytes(object);
        const { bytes, errors } = rendered;
        notes.set(key, rendered);
        if (claims) {
          const isFirst = claims.count === 0;
          keep(claims.set(prefix + key, bytes.toString()));
          const [refused] = claims.refused;
          if (isFirst && refused) {
            const next = 'give the custom resource labels that distinguish its objects, such as the namespace';
            this.#log.warn(
              { resource, ...refused, next },
              'two objects have the same series; keeping that of the first',
            );
          }
        } else store.set(prefix + key, bytes);
        if (errors.length > 0 && renderErrors.count === 0) {
          const fields = { resource, object: key, err: errors[0] };
          this.#log.warn(fields, 'failed to render part of an object; further failures are only counted');
        }
        renderErrors.count += errors.length;
      },
      onDelete: (key: string) => {
        index?.delete(key);
        drop(key);
      },
    };
  }
}

/** The first family of each name. */
const distinct = (families: readonly Family[]): Family[] => [
  ...new Map([...families].reverse().map((family) => [family.name, family])).values(),
];

interface Index {
  upsert(key: string, object: KubeObject): void;
  delete(key: string): void;
}

/** The other consumer of the objects of one resource; undefined without one. */
function indexOf(
  pods: PodIndex,
  { name, custom }: Resource,
  onLease: ClusterStateOptions['onLease'],
): Index | undefined {
  if (custom) return undefined;
  if (name === 'pods') return pods;
  if (name === 'leases') return onLease && { upsert: (_key, lease) => onLease(lease), delete() {} };
  const kind = name === 'replicasets' ? 'ReplicaSet' : name === 'jobs' ? 'Job' : undefined;
  if (kind === undefined) return undefined;
  return {
    upsert: (key, object) => pods.upsertOwner(kind, key, object),
    delete: (key) => pods.deleteOwner(kind, key),
  };
}

/**
 * Whether an object of the resource is reported by this shard. All objects of a custom resource have the same shard, as
 * have those of all resources with common families: their labels need not identify the object, and only within one
 * process are equal series found.
 */
function objectFilter(options: KsmOptions, resource: Resource): (object: KubeObject) => boolean {
  const inNamespace = namespaceFilter(options);
  const { shard, totalShards } = options;
  const name = resource.sharesFamilies ? 'shared' : uniqueName(resource);
  return ({ metadata }) =>
    inNamespace(metadata?.namespace ?? '') &&
    (totalShards === 1 || shardOf(resource.custom ? name : (metadata?.uid ?? ''), totalShards) === shard);
}
