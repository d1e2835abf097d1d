// Finds the cgroups of pods and containers: readdir each cycle, no inotify, which would need a watch on every folder.
// The layouts are those of src/host/cgroup-path.ts.
import { classifyCgroupPath } from '../../host/cgroup-path.ts';
import { MissingFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';

/** A cgroup that gets series. */
export interface Cgroup {
  /** Path below the root of its tree, from a slash on. */
  readonly id: string;
  /** `slice`: what holds pods, by class of service, and what was asked for by name. */
  readonly kind: 'root' | 'slice' | 'pod' | 'container';
  /** Set for `pod`, and for `container` in a pod. */
  readonly podUid: string | undefined;
  /** Set for `container`. */
  readonly containerId: string | undefined;
}

const KUBEPODS = /^(?:.+-)?kubepods(?:\.slice)?$/;
const CLASS = /^(?:(?:.+-)?kubepods-)?(?:burstable|besteffort)(?:\.slice)?$/;
/** kubelet and runtime with different drivers make containers beside the runtime's service, without a folder for the pod. */
const PODLESS = /kubepods(?:-(?:burstable|besteffort))?-pod[^/]+\.slice:[a-z-]+:[0-9a-f]{64}$/;
const CONTAINER_ID_LENGTH = 64;

/** kubepods lies at most this deep: /system.slice/docker-<id>.scope/kubelet.slice/kubelet-kubepods.slice. */
const SEARCH_DEPTH = 5;
const MAX_SEARCHED = 5000;
/** kubepods comes and goes with the kubelet's configuration: looking for it each cycle would be waste. */
const SEARCH_EVERY = 20;

/** Walks one tree. */
export class Discovery {
  readonly #host: Host;
  readonly #tree: string;
  readonly #named: readonly string[];
  /** Folders that hold pods, and, true, folders that hold containers without a folder for their pod. */
  #roots: ReadonlyMap<string, boolean> = new Map();
  #untilSearch = 0;
  /** What each path is, of the last walk and of this one; undefined for what is neither pod nor container. */
  #known = new Map<string, Cgroup | undefined>();
  #next = new Map<string, Cgroup | undefined>();

  /** `named` are paths of further cgroups; one that ends in `/*` stands for all just below. */
  constructor(host: Host, tree: string, named: readonly string[]) {
    this.#host = host;
    this.#tree = tree;
    this.#named = named;
  }

  /**
   * The cgroups as they are found, a pod before its containers; nothing at all where there are no pods and none are
   * named. What vanishes meanwhile is left out. Undefined comes now and then, when a folder has been read in vain.
   */
  *walk(): Generator<Cgroup | undefined> {
    if (this.#untilSearch-- <= 0 || this.#roots.size === 0) {
      this.#roots = yield* this.#search();
      this.#untilSearch = SEARCH_EVERY;
    }
    this.#next = new Map();
    // A tree may be seen twice, below the container that is the node and as itself: the shorter path counts.
    const seen = new Set<string>();
    for (const cgroup of this.#all()) {
      const name = cgroup.containerId ?? cgroup.podUid ?? cgroup.id;
      if (seen.has(name)) continue;
      seen.add(name);
      yield cgroup;
    }
    this.#known = this.#next;
  }

  *#all(): Generator<Cgroup> {
    if (this.#roots.size === 0 && this.#named.length === 0) return;
    yield this.#as('/', 'root');
    for (const path of this.#named) yield* this.#slices(path);
    for (const [root, podless] of this.#roots) {
      if (podless) yield* this.#containers(root);
      else yield* this.#pods(root);
    }
  }

  *#slices(path: string): Generator<Cgroup> {
    const parent = path.endsWith('/*') ? path.slice(0, -2) : undefined;
    const names = parent === undefined ? [] : this.#host.foldersIfExists(this.#tree + parent);
    const ids = parent === undefined ? [path] : names.map((name) => `${parent}/${name}`);
    for (const id of ids) if (this.#host.exists(this.#tree + id)) yield this.#as(id, 'slice');
  }

  /** kubepods, or a class of service in it. */
  *#pods(id: string): Generator<Cgroup> {
    const names = this.#list(id);
    if (names === undefined) return;
    yield this.#as(id, 'slice');
    for (const name of names) {
      const child = `${id}/${name}`;
      if (CLASS.test(name)) yield* this.#pods(child);
      else if (name.includes('pod')) yield* this.#pod(child);
    }
  }

  *#pod(id: string): Generator<Cgroup> {
    const pod = this.#classify(id);
    if (pod?.kind !== 'pod') return;
    yield pod;
    yield* this.#containers(id);
  }

  *#containers(parent: string): Generator<Cgroup> {
    for (const name of this.#list(parent) ?? []) {
      // A pod's folder has sixty files.
      if (name.length < CONTAINER_ID_LENGTH) continue;
      const container = this.#classify(`${parent}/${name}`);
      if (container?.kind === 'container') yield container;
    }
  }

  #classify(id: string): Cgroup | undefined {
    let cgroup = this.#known.get(id);
    if (cgroup === undefined && !this.#known.has(id)) {
      const place = classifyCgroupPath(id);
      if (place && place.kind !== 'nested') cgroup = { id, ...place, kind: place.kind };
    }
    this.#next.set(id, cgroup);
    return cgroup;
  }

  #as(id: string, kind: 'root' | 'slice'): Cgroup {
    const cgroup = this.#known.get(id) ?? { id, kind, podUid: undefined, containerId: undefined };
    this.#next.set(id, cgroup);
    return cgroup;
  }

  /** Names of files and folders; undefined when the cgroup is gone. */
  #list(id: string): string[] | undefined {
    try {
      return this.#host.list(this.#tree + id);
    } catch (cause) {
      if (cause instanceof MissingFile) return undefined;
      throw cause;
    }
  }

  /** What {@link #roots} are, shorter paths first. Yields after each folder. */
  *#search(): Generator<undefined, Map<string, boolean>> {
    const found = new Map<string, boolean>();
    let searched = 0;
    let level = [''];
    for (let depth = 0; depth < SEARCH_DEPTH && searched < MAX_SEARCHED; depth++) {
      const deeper: string[] = [];
      for (const parent of level.slice(0, MAX_SEARCHED - searched)) {
        for (const name of this.#host.foldersIfExists(`${this.#tree}${parent}`)) {
          const id = `${parent}/${name}`;
          if (KUBEPODS.test(name)) found.set(id, false);
          else if (PODLESS.test(name)) found.set(parent, true);
          else deeper.push(id);
        }
        searched++;
        yield undefined;
      }
      level = deeper;
    }
    return found;
  }
}
