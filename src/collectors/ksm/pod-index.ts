import { KeyMap } from '../../base/key-map.ts';
import type { KubeObject } from '../../kube/object.ts';
import { type IdentityPod, NO_LABELS, type PickLabels, podInfo } from '../../kube/pod-info.ts';
import { controllerOf, type Workload, workloadByName } from '../../kube/workload.ts';
import { type NodeResponse, packPods, unpackPods, withPods } from './node-response.ts';

/** A pod's position in the response for its node. */
interface Place {
  readonly key: string;
  readonly node: IndexedNode;
  version: number;
  /** Length of its JSON in the compressed response, in characters; 0 when it is not in it. */
  packed: number;
  /** The JSON that replaces it at the next compression; null when the pod is gone. */
  pending: string | null | undefined;
}

interface IndexedNode {
  readonly name: string;
  /** Pods in the compressed response, in its order, followed by new ones. */
  places: Place[];
  /** Number of pods present. */
  pods: number;
  /** Changes not yet in the compressed response. */
  changes: number;
  packed: NodeResponse | undefined;
  /** The compressed response with corrected workloads. */
  corrected?: { readonly of: NodeResponse; readonly epoch: number; readonly response: NodeResponse };
}

/** Owners of pods that may themselves have an owner. */
type OwnerKind = 'ReplicaSet' | 'Job';

/**
 * Changes are buffered until the node is requested: a change takes up a kilobyte, and compressing a node takes half a
 * millisecond.
 */
const MAX_WAITING = 4096;
/**
 * A node with as many changes is compressed without a request; the one that has had them longest first, as a list has its
 * pods together: the newest one is not complete yet.
 */
const WORTH_PACKING = 16;

/**
 * The pods by node, reduced to what node agents request. Fed by reflectors, whose keys it uses: `namespace/name`. Only
 * the response of each node is stored, as it is sent: compressed, 100 to 200 bytes a pod. Changes are buffered
 * separately until it is requested.
 */
export class PodIndex {
  readonly #labels: PickLabels;
  readonly #annotations: PickLabels;
  readonly #nodes = new Map<string, IndexedNode>();
  readonly #places = new KeyMap<Place>();
  /** By `Kind/namespace/name`: workloads of owners whose names suggest a different one; most clusters have none. */
  readonly #exceptions = new Map<string, Workload>();
  /** Changes of all nodes that are not in compressed responses. */
  #waiting = 0;
  /** Nodes with at least {@link WORTH_PACKING} changes, in the order in which they reached it. */
  readonly #worthPacking = new Set<IndexedNode>();
  /** Counts the changes of exceptions: the response of any node may contain one. */
  #epoch = 0;

  /** `labels` selects the labels to include. */
  constructor(labels: PickLabels = NO_LABELS, annotations: PickLabels = NO_LABELS) {
    this.#labels = labels;
    this.#annotations = annotations;
  }

  /** Pods that run, or ran, on a node. */
  get pods(): number {
    return this.#places.size;
  }

  get nodes(): number {
    return this.#nodes.size;
  }

  /** Adds a new or changed pod; does not retain the object. */
  upsert(key: string, pod: IdentityPod): void {
    const nodeName = pod.spec?.nodeName ?? '';
    if (this.#places.get(key)?.node.name !== nodeName) this.delete(key);
    // A pod that is not scheduled belongs to no node.
    if (nodeName === '') return;
    const place = this.#places.get(key) ?? this.#add(key, nodeName);
    place.version = Number(pod.metadata?.resourceVersion) || 0;
    place.pending = JSON.stringify(podInfo(pod, this.#labels, this.#annotations));
    this.#changed(place.node);
  }

  /** Removes a pod. */
  delete(key: string): void {
    const place = this.#places.get(key);
    if (!place) return;
    const { node } = place;
    this.#places.delete(key);
    place.pending = null;
    node.pods--;
    if (node.pods === 0) {
      this.#nodes.delete(node.name);
      this.#worthPacking.delete(node);
      this.#waiting -= node.changes;
    } else this.#changed(node);
  }

  /** Gets the workload from the owner itself; without this, it is inferred from names. */
  upsertOwner(kind: OwnerKind, key: string, object: KubeObject): void {
    const name = object.metadata?.name ?? '';
    const owner = controllerOf(object);
    const workload = { kind: owner?.kind ?? kind, name: owner?.name ?? name };
    const guess = workloadByName(kind, name, object);
    const id = `${kind}/${key}`;
    if (guess.kind === workload.kind && guess.name === workload.name) {
      this.deleteOwner(kind, key);
      return;
    }
    const before = this.#exceptions.get(id);
    if (before?.kind === workload.kind && before.name === workload.name) return;
    this.#exceptions.set(id, workload);
    this.#epoch++;
  }

  /** Removes an owner. */
  deleteOwner(kind: OwnerKind, key: string): void {
    if (this.#exceptions.delete(`${kind}/${key}`)) this.#epoch++;
  }

  /** The response for a node; without pods for an unknown one. */
  responseFor(nodeName: string): NodeResponse {
    const node = this.#nodes.get(nodeName);
    if (!node) return packPods(nodeName, '', []);
    const packed = node.packed === undefined || node.changes > 0 ? this.#pack(node) : node.packed;
    return this.#exceptions.size === 0 ? packed : this.#corrected(node, packed);
  }

  /**
   * For a node without known pods: the known node name most similar to it, empty if there is none. Otherwise undefined.
   */
  nearestTo(nodeName: string): string | undefined {
    if (this.#nodes.has(nodeName)) return undefined;
    let nearest = '';
    let best = -1;
    for (const name of this.#nodes.keys()) {
      const likeness = likenessOf(name, nodeName);
      if (likeness > best) [nearest, best] = [name, likeness];
    }
    return nearest;
  }

  #add(key: string, nodeName: string): Place {
    const node: IndexedNode = this.#nodes.get(nodeName) ?? {
      name: nodeName,
      places: [],
      pods: 0,
      changes: 0,
      packed: undefined,
    };
    this.#nodes.set(node.name, node);
    const place: Place = { key, node, version: 0, packed: 0, pending: undefined };
    node.places.push(place);
    node.pods++;
    this.#places.set(key, place);
    return place;
  }

  #changed(node: IndexedNode): void {
    node.changes++;
    this.#waiting++;
    if (node.changes === WORTH_PACKING) this.#worthPacking.add(node);
    if (this.#waiting <= MAX_WAITING) return;
    const [oldest] = this.#worthPacking;
    if (oldest) this.#pack(oldest);
  }

  #pack(node: IndexedNode): NodeResponse {
    this.#waiting -= node.changes;
    this.#worthPacking.delete(node);
    node.packed = pack(node);
    return node.packed;
  }

  #corrected(node: IndexedNode, packed: NodeResponse): NodeResponse {
    const { corrected } = node;
    if (corrected?.of === packed && corrected.epoch === this.#epoch) return corrected.response;
    const response = withPods(packed, (pod) => {
      const workload = this.#exceptions.get(`${pod.ownerKind}/${pod.namespace}/${pod.ownerName}`);
      return workload ? { ...pod, workloadKind: workload.kind, workloadName: workload.name } : pod;
    });
    node.corrected = { of: packed, epoch: this.#epoch, response };
    return response;
  }
}

/** How many characters two names share at the beginning and end: a short name and its domain name share most. */
function likenessOf(one: string, other: string): number {
  const shortest = Math.min(one.length, other.length);
  let head = 0;
  while (head < shortest && one[head] === other[head]) head++;
  let tail = 0;
  while (tail < shortest - head && one.at(-1 - tail) === other.at(-1 - tail)) tail++;
  return head + tail;
}

/** Merges all changes of a node into its response. */
function pack(node: IndexedNode): NodeResponse {
  const there = node.places.filter(({ packed }) => packed > 0);
  const lengths = there.map(({ packed }) => packed);
  const texts = node.packed === undefined ? [] : unpackPods(node.packed, lengths);
  const pods = node.places
    .map((place, index) => ({ place, text: place.pending === undefined ? texts[index] : place.pending }))
    .filter((pod): pod is { place: Place; text: string } => typeof pod.text === 'string')
    // In an order that is the same on all replicas.
    .sort((a, b) => (a.place.key < b.place.key ? -1 : 1));
  for (const { place, text } of pods) {
    place.packed = text.length;
    place.pending = undefined;
  }
  node.places = pods.map(({ place }) => place);
  node.changes = 0;
  const newest = node.places.reduce((max, { version }) => Math.max(max, version), 0);
  return packPods(
    node.name,
    newest === 0 ? '' : String(newest),
    pods.map(({ text }) => text),
  );
}
