// Finds the cgroups of pods and containers: each folder is checked in each cycle, and listed if it has changed. The
// layouts are those of src/host/cgroup-path.ts.
import { isDeepStrictEqual } from 'node:util';
import { classifyCgroupPath } from '../../host/cgroup-path.ts';
import type { Host } from '../../host/host.ts';
import type { CgroupChanges } from './changes.ts';

/** A cgroup that gets series. */
export interface Cgroup {
  /** Path below the root of its tree, from a slash on. */
  readonly id: string;
  /** `slice`: parents of pods, by QoS class, and cgroups configured by name. */
  readonly kind: 'root' | 'slice' | 'pod' | 'container';
  /** Set for `pod`, and for `container` in a pod. */
  readonly podUid: string | undefined;
  /** Set for `container`. */
  readonly containerId: string | undefined;
}

const KUBEPODS = /^(?:.+-)?kubepods(?:\.slice)?$/;
const CLASS = /^(?:(?:.+-)?kubepods-)?(?:burstable|besteffort)(?:\.slice)?$/;
/**
 * With different drivers, kubelet and runtime create containers next to the runtime's service, without a folder for the
 * pod.
 */
const PODLESS = /kubepods(?:-(?:burstable|besteffort))?-pod[^/]+\.slice:[a-z-]+:[0-9a-f]{64}$/;
const CONTAINER_ID_LENGTH = 64;

/**
 * How deep kubepods may lie: rootless kind has it at level 8, as
 * /user.slice/user-1000.slice/user@1000.service/user.slice/libpod-<id>.scope/container/kubelet.slice/kubelet-kubepods.slice,
 * and may itself run in containers.
 */
const SEARCH_DEPTH = 24;
/** Bound of the search: the levels are searched one by one, the upper ones first. */
const MAX_SEARCHED = 5000;
/**
 * kubepods comes and goes with the kubelet's configuration. The folders in which it was found are listed in each cycle;
 * searching all others each time would be wasteful.
 */
const SEARCH_EVERY = 20;

/** Walks one tree. */
export class Discovery {
  readonly #host: Host;
  readonly #tree: string;
  readonly #named: readonly string[];
  /** Folders that hold pods, and, true, folders that hold containers without a folder for their pod. */
  #roots: ReadonlyMap<string, boolean> = new Map();
  #untilSearch = 0;
  readonly #folders = new Map<string, Folder>();
  #walks = 0;
  #lose: LoseFolder = () => {};
  readonly #changes: CgroupChanges | undefined;

  /**
   * `named` are paths of further cgroups; one that ends in `/*` selects all direct children. `changes` saves listing
   * folders.
   */
  constructor(host: Host, tree: string, named: readonly string[], changes?: CgroupChanges) {
    this.#changes = changes;
    this.#host = host;
    this.#tree = tree;
    this.#named = named;
  }

  /**
   * The cgroups in order of discovery, a pod before its containers; empty if there are no pods and no named cgroups.
   * Cgroups that vanish during the walk are skipped; `lose` receives each inaccessible folder and the reason.
   * Occasionally yields undefined, after a folder was read without a result.
   */
  *walk(lose: LoseFolder): Generator<Cgroup | undefined> {
    this.#lose = lose;
    if (this.#untilSearch-- <= 0 || this.#roots.size === 0 || this.#haveRootsChanged()) {
      this.#roots = yield* this.#search();
      this.#untilSearch = SEARCH_EVERY;
    }
    this.#walks++;
    // A tree may be found twice, below the container that is the node and directly: the shorter path is used.
    const seen = new Set<string>();
    for (const cgroup of this.#all()) {
      const name = cgroup.containerId ?? cgroup.podUid ?? cgroup.id;
      if (seen.has(name)) continue;
      seen.add(name);
      yield cgroup;
    }
    for (const [id, { walk }] of this.#folders) if (walk !== this.#walks) this.#folders.delete(id);
  }

  /**
   * To be called for each cgroup that is gone when it is read: a cgroup created in its place has not changed the number
   * of folders, by which {@link walk} detects new ones. Those gone during the walk are forgotten by it.
   */
  forget(id: string): void {
    this.#folders.delete(parentOf(id));
  }

  *#all(): Generator<Cgroup> {
    if (this.#roots.size === 0 && this.#named.length === 0) return;
    yield { ...NO_POD, id: '/', kind: 'root' };
    for (const path of this.#named) yield* this.#slices(path);
    for (const [root, podless] of this.#roots) {
      if (podless) yield* this.#containers(root);
      else yield* this.#pods(root);
    }
  }

  *#slices(path: string): Generator<Cgroup> {
    const parent = path.endsWith('/*') ? path.slice(0, -2) : undefined;
    const names = parent === undefined ? [] : this.#foldersIn(parent);
    const ids = parent === undefined ? [path] : names.map((name) => `${parent}/${name}`);
    for (const id of ids) if (this.#host.exists(this.#tree + id)) yield { ...NO_POD, id, kind: 'slice' };
  }

  /** kubepods, or a QoS class in it. */
  *#pods(id: string): Generator<Cgroup> {
    if (this.#folder(id, podIn) === undefined) return;
    yield { ...NO_POD, id, kind: 'slice' };
    for (const child of this.#children(id, podIn)) {
      if (child.kind === 'slice') yield* this.#pods(child.id);
      else {
        yield child;
        yield* this.#containers(child.id);
      }
    }
  }

  *#containers(parent: string): Generator<Cgroup> {
    yield* this.#children(parent, containerIn);
  }

  *#children(id: string, classify: Classify): Generator<Cgroup> {
    // Listed twice if one of them was gone. walk() skips duplicates.
    for (let pass = 0; pass < 2; pass++) {
      const folder = this.#folder(id, classify);
      yield* folder?.children ?? [];
      if (this.#folders.get(id) === folder) return;
    }
  }

  /** The children of a folder; undefined if it is gone or inaccessible. */
  #folder(id: string, classify: Classify): Folder | undefined {
    return this.#orLose(id, () => this.#look(id, classify));
  }

  #foldersIn(id: string): string[] {
    return this.#orLose(id, () => this.#host.foldersIfExists(this.#tree + id)) ?? [];
  }

  #orLose<Value>(id: string, look: () => Value): Value | undefined {
    try {
      return look();
    } catch (cause) {
      this.#lose(id, cause);
      return undefined;
    }
  }

  #look(id: string, classify: Classify): Folder | undefined {
    const path = this.#tree + id;
    const links = this.#host.links(path);
    if (links === undefined) {
      this.forget(id);
      return undefined;
    }
    const known = this.#folders.get(id);
    const isKnown = known?.links === links && links === known.children.length + NO_FOLDERS;
    if (known !== undefined && (isKnown || (known.links === links && this.#changes?.isListed(id)))) {
      known.walk = this.#walks;
      return known;
    }
    const children: Cgroup[] = [];
    for (const name of this.#host.listIfExists(path)) {
      const child = classify(id, name);
      if (child !== undefined) children.push(child);
    }
    const folder = { links, walk: this.#walks, children };
    this.#folders.set(id, folder);
    this.#changes?.setListed(id);
    return folder;
  }

  /** Whether a root is gone, or another has appeared next to one; what else appears is found by the next search. */
  #haveRootsChanged(): boolean {
    const roots = new Map<string, boolean>();
    for (const parent of new Set([...this.#roots].map(([id, isPodless]) => (isPodless ? id : parentOf(id))))) {
      for (const name of this.#foldersIn(parent)) {
        const root = rootOf(parent, name);
        if (root !== undefined) roots.set(root.id, root.isPodless);
      }
    }
    return !isDeepStrictEqual(roots, this.#roots);
  }

  /** Searches the {@link #roots}, shorter paths first. Yields after each folder. */
  *#search(): Generator<undefined, Map<string, boolean>> {
    const found = new Map<string, boolean>();
    let searched = 0;
    let level = [''];
    for (let depth = 0; depth < SEARCH_DEPTH && searched < MAX_SEARCHED; depth++) {
      const deeper: string[] = [];
      for (const parent of level.slice(0, MAX_SEARCHED - searched)) {
        for (const name of this.#foldersIn(parent)) {
          const root = rootOf(parent, name);
          if (root === undefined) deeper.push(`${parent}/${name}`);
          else found.set(root.id, root.isPodless);
        }
        searched++;
        yield undefined;
      }
      level = deeper;
    }
    return found;
  }
}

/** Receives an inaccessible folder, by its path below the root of the tree. */
type LoseFolder = (folder: string, cause: unknown) => void;

/**
 * The cached state of a folder: listing one with its sixty files costs ten times as much as reading its link count, which
 * stays valid while all its folders are known: if one is replaced, it is found to be gone. Others may be replaced
 * unnoticed, so a folder that has some is listed each time, unless it is watched.
 */
interface Folder {
  /** Hard links: 2, and one for each folder in it. */
  readonly links: number;
  readonly children: readonly Cgroup[];
  /** The last walk that visited it. */
  walk: number;
}

/** The link count of a folder without folders; file systems that do not count them have 1 for all. */
const NO_FOLDERS = 2;

const NO_POD = { podUid: undefined, containerId: undefined };

/** The root that the folder `name` in `parent` shows, if any. */
function rootOf(parent: string, name: string): { id: string; isPodless: boolean } | undefined {
  if (KUBEPODS.test(name)) return { id: `${parent}/${name}`, isPodless: false };
  return PODLESS.test(name) ? { id: parent, isPodless: true } : undefined;
}

const parentOf = (id: string): string => id.slice(0, id.lastIndexOf('/'));

/** Classifies `name` in the folder `parent`; undefined for anything that gets no series. */
type Classify = (parent: string, name: string) => Cgroup | undefined;

const podIn: Classify = (parent, name) => {
  const id = `${parent}/${name}`;
  if (CLASS.test(name)) return { ...NO_POD, id, kind: 'slice' };
  return name.includes('pod') ? placeOf(id, 'pod') : undefined;
};

const containerIn: Classify = (parent, name) =>
  // Most names are those of the cgroup's files.
  name.length < CONTAINER_ID_LENGTH ? undefined : placeOf(`${parent}/${name}`, 'container');

function placeOf(id: string, kind: 'pod' | 'container'): Cgroup | undefined {
  const place = classifyCgroupPath(id);
  return place?.kind === kind ? { id, ...place, kind } : undefined;
}
