import type { KubeObject } from '../../src/kube/object.ts';

/** An event of a collection, as sent by a watch. */
export interface ClusterEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly object: KubeObject;
}

/** A list as returned by the API server. */
export interface RecordedList {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly KubeObject[] | null;
}

/** `namespace/name`, or `name` alone. */
export const keyOf = ({ metadata }: KubeObject): string =>
  metadata?.namespace ? `${metadata.namespace}/${metadata.name}` : (metadata?.name ?? '');

/** Objects that are created when they are listed. */
export interface Generated {
  readonly count: number;
  readonly make: (index: number) => KubeObject;
  /** The JSON of such an object as an item of a list. */
  readonly itemText: (index: number) => string;
  /** The compressed items of pages that were listed before, if several clients list the same ones. */
  readonly pages?: Map<string, Buffer>;
}

/** All objects of one kind. */
export class FakeCollection {
  readonly kind: string;
  readonly apiVersion: string;
  readonly objects = new Map<string, KubeObject>();
  /** Events that a watch may still request. */
  readonly log: ClusterEvent[] = [];
  /** Watches from before this version get 410. */
  compacted = 0;
  /** Its discovery data. */
  namespaced = true;
  /** Creates objects in addition to `objects` when they are listed: for collections too large for memory. */
  generated: Generated | undefined;

  constructor(kind: string, apiVersion: string) {
    this.kind = kind;
    this.apiVersion = apiVersion;
  }

  get size(): number {
    return this.objects.size + (this.generated?.count ?? 0);
  }
}

/** The content of an API server: collections by path (`/api/v1/pods`) under one counter of versions. */
export class FakeCluster {
  readonly collections = new Map<string, FakeCollection>();
  /** The newest resourceVersion. */
  version = 1000;
  onEvent: (path: string, event: ClusterEvent) => void = () => {};

  /** The collection at `path`, created if it does not exist. */
  collection(path: string, kind = 'Pod', apiVersion = 'v1'): FakeCollection {
    let found = this.collections.get(path);
    if (!found) {
      found = new FakeCollection(kind, apiVersion);
      this.collections.set(path, found);
    }
    return found;
  }

  /** Fills a collection from a recorded list. */
  load(path: string, { kind, apiVersion, metadata, items }: RecordedList): FakeCollection {
    const collection = this.collection(path, kind.replace(/List$/, ''), apiVersion);
    for (const object of items ?? []) collection.objects.set(keyOf(object), object);
    this.version = Math.max(this.version, Number(metadata.resourceVersion));
    collection.compacted = this.version;
    return collection;
  }

  /** Creates or changes an object, with the next resourceVersion and a uid; returns it as stored. */
  put(path: string, object: KubeObject): KubeObject {
    const { objects } = this.collection(path);
    const before = objects.get(keyOf(object));
    this.version++;
    const uid = object.metadata?.uid ?? before?.metadata?.uid ?? `uid-${this.version}`;
    const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(this.version) } };
    objects.set(keyOf(stored), stored);
    this.#emit(path, before ? 'MODIFIED' : 'ADDED', stored);
    return stored;
  }

  /** Deletes an object by `namespace/name`. */
  remove(path: string, key: string): void {
    const { objects } = this.collection(path);
    const before = objects.get(key);
    if (!before) throw new Error(`${path} has no ${key}`);
    objects.delete(key);
    this.version++;
    const metadata = { ...before.metadata, resourceVersion: String(this.version) };
    this.#emit(path, 'DELETED', { ...before, metadata });
  }

  /** Discards the events so far: resuming from an earlier version gets 410. */
  compact(): void {
    for (const collection of this.collections.values()) {
      collection.log.length = 0;
      collection.compacted = this.version;
    }
  }

  /** Restores an empty collection from a backup at `version`, which is in the past. */
  restore(path: string, version: number): void {
    const collection = this.collection(path);
    collection.objects.clear();
    collection.log.length = 0;
    this.version = version;
  }

  #emit(path: string, type: ClusterEvent['type'], object: KubeObject): void {
    const event = { type, version: this.version, object };
    this.collection(path).log.push(event);
    this.onEvent(path, event);
  }
}

/** A pod of two containers like those of the recorded Deployment, about 5 KB of JSON; the same for the same index. */
export function syntheticPod(template: KubeObject, index: number): KubeObject {
  const digits = index.toString(36).padStart(5, '0');
  const metadata = {
    ...template.metadata,
    name: `web-67b7ddc566-${digits}`,
    namespace: `shop-${index % 50}`,
    uid: `0c4c6d9a-5b2f-4c7e-9a51-${index.toString(16).padStart(12, '0')}`,
    resourceVersion: String(500 + (index % 500)),
  };
  // Addresses, image ids and container ids differ from pod to pod in a real cluster, and decide how well it compresses.
  const hex = Array.from({ length: 8 }, (_, part) =>
    hash(index * 8 + part)
      .toString(16)
      .padStart(8, '0'),
  ).join('');
  const rest = JSON.stringify({ ...template, metadata: undefined })
    .replaceAll(/containerd:\/\/[0-9a-f]{64}/g, () => `containerd://${hex}`)
    .replaceAll(/"10\.\d+\.\d+\.\d+"/g, `"10.${index >> 16}.${(index >> 8) & 255}.${index & 255}"`);
  return { ...JSON.parse(rest), metadata };
}

/** xorshift-multiply of 32 bits: spreads consecutive numbers. */
function hash(value: number): number {
  const mixed = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  return (Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b) ^ (mixed >>> 7)) >>> 0;
}
