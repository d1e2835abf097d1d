import { createHash } from 'node:crypto';
import { constants, gzipSync } from 'node:zlib';
import type { KubeObject } from '../../kube/object.ts';
import { NO_LABELS, type NodePods, type PickLabels, type Pod, type PodInfo, podInfo } from '../../kube/pod-info.ts';
import { controllerOf, type Workload, workloadByName } from '../../kube/workload.ts';

/** The answer for one node, as it goes out. */
export interface NodeAnswer {
  /** As the header has it; made of the content alone, so that all replicas give the same; weak, since the coding may differ. */
  readonly etag: string;
  /** JSON of {@link NodePods}. */
  readonly gzip: Buffer;
}

interface Entry {
  readonly info: PodInfo;
  readonly resourceVersion: string;
}

interface IndexedNode {
  readonly name: string;
  readonly pods: Map<string, Entry>;
  answer?: NodeAnswer & { readonly epoch: number };
}

/** Owners of pods that may have an owner themselves. */
export type OwnerKind = 'ReplicaSet' | 'Job';

const MAX_KEPT_TEXTS = 50_000;

/**
 * The pods by node, reduced to what node agents ask for (1.2 KB each). Fed by reflectors, whose keys it takes:
 * `namespace/name`. The JSON of a node is made when it is asked for and kept, compressed, until something changes there.
 */
export class PodIndex {
  readonly #labels: PickLabels;
  readonly #nodes = new Map<string, IndexedNode>();
  readonly #nodeOf = new Map<string, IndexedNode>();
  /** By `Kind/namespace/name`: workloads of owners whose names tell something else; most clusters have none. */
  readonly #exceptions = new Map<string, Workload>();
  /** Counts the changes of exceptions: any node's answer may contain one. */
  #epoch = 0;
  readonly #texts = new Map<string, string>();

  /** `labels` picks what is told of the labels. */
  constructor(labels: PickLabels = NO_LABELS) {
    this.#labels = labels;
  }

  /** Pods that run on a node, or did. */
  get pods(): number {
    return this.#nodeOf.size;
  }

  get nodes(): number {
    return this.#nodes.size;
  }

  /** Takes a new or changed pod over; does not keep the object. */
  upsert(key: string, pod: Pod): void {
    const nodeName = pod.spec?.nodeName ?? '';
    const before = this.#nodeOf.get(key);
    if (before && before.name !== nodeName) this.delete(key);
    // A pod that no node has been found for is nobody's.
    if (nodeName === '') return;
    const node: IndexedNode = this.#nodes.get(nodeName) ?? { name: this.#keep(nodeName), pods: new Map() };
    this.#nodes.set(node.name, node);
    this.#nodeOf.set(key, node);
    const info = podInfo(pod, this.#labels, (text) => this.#keep(text));
    node.pods.set(key, { info, resourceVersion: pod.metadata?.resourceVersion ?? '' });
    delete node.answer;
  }

  /** Forgets a pod. */
  delete(key: string): void {
    const node = this.#nodeOf.get(key);
    if (!node) return;
    this.#nodeOf.delete(key);
    node.pods.delete(key);
    delete node.answer;
    if (node.pods.size === 0) this.#nodes.delete(node.name);
  }

  /** Learns from the owner itself whom it belongs to; without this, names decide. */
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

  /** Forgets an owner. */
  deleteOwner(kind: OwnerKind, key: string): void {
    if (this.#exceptions.delete(`${kind}/${key}`)) this.#epoch++;
  }

  /** The answer for a node; without pods for an unknown one. */
  answer(nodeName: string): NodeAnswer {
    const node = this.#nodes.get(nodeName);
    if (!node) return encode({ nodeName, resourceVersion: '', pods: [] });
    if (node.answer?.epoch !== this.#epoch) node.answer = { ...encode(this.#podsOf(node)), epoch: this.#epoch };
    return node.answer;
  }

  #podsOf({ name, pods }: IndexedNode): NodePods {
    // In an order that all replicas agree on.
    const entries = [...pods].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
    const newest = entries.reduce((max, entry) => Math.max(max, Number(entry.resourceVersion) || 0), 0);
    return {
      nodeName: name,
      resourceVersion: newest === 0 ? '' : String(newest),
      pods: entries.map(({ info }) => this.#corrected(info)),
    };
  }

  #corrected(info: PodInfo): PodInfo {
    const workload = this.#exceptions.get(`${info.ownerKind}/${info.namespace}/${info.ownerName}`);
    return workload ? { ...info, workloadKind: workload.kind, workloadName: workload.name } : info;
  }

  /** One string for all equal ones: JSON.parse gives each pod its own copy of its image's name. */
  #keep(text: string): string {
    const kept = this.#texts.get(text);
    if (kept !== undefined) return kept;
    if (this.#texts.size >= MAX_KEPT_TEXTS) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }
}

function encode(pods: NodePods): NodeAnswer {
  const json = JSON.stringify(pods);
  const hash = createHash('sha256').update(json).digest('base64url').slice(0, 22);
  return { etag: `W/"${hash}"`, gzip: gzipSync(json, { level: constants.Z_BEST_SPEED }) };
}
