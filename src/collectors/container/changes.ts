import { IdleTimer } from '../../base/idle-timer.ts';
import type { Host } from '../../host/host.ts';
import { type FolderEvent, Inotify } from '../../host/inotify.ts';
import type { Hierarchy } from './hierarchy.ts';
import { folderOf } from './reading.ts';

/** Files that are read in each cycle, or that concern processes: what is written to them changes no limit. */
const READ_ANYWAY = /^cgroup\.(?:procs|threads|events)$|^tasks$|\.(?:stat|current|events|events\.local)$/;
/** Written to, these make files appear and vanish, in the cgroup and in those below it, without an event for these. */
const CONTROLLERS = /^cgroup\.(?:subtree_control|type)$/;

/**
 * After this long without a cycle, as after a reload, all watches end. Longer than usual intervals: what was not watched
 * has to be read completely.
 */
const IDLE_MS = 300_000;

/** With v1, the controllers with limits. */
const LIMITING = ['cpu', 'memory', 'pids'];

/** A tree of cgroups, and the watches of its folders by cgroup. */
interface Tree {
  readonly path: string;
  readonly watches: Map<string, Watch>;
}

/** A watch of the folder of one cgroup. */
interface Watch {
  readonly number: number;
  readonly tree: Tree;
  readonly id: string;
  /** Whether it is kept for this cgroup itself. */
  isOwn: boolean;
  /** The cgroups directly below it for which it is kept; most cgroups have none, and a Set takes 200 bytes. */
  below: Set<string> | undefined;
}

const parentOf = (id: string): string => id.slice(0, id.lastIndexOf('/')) || '/';

/**
 * Shows which cgroups may have changed since they were read completely, apart from the files that are read in each cycle.
 * Limits are only changed by writing to a file of the cgroup, which inotify reports through any mount. It does not report
 * the end of a cgroup in its own folder, nor files of controllers that are enabled or disabled, so the folder above is
 * watched as well. A cgroup that cannot be watched counts as changed in each cycle.
 */
export class CgroupChanges {
  /** The one in which cgroups are looked for, then others in which they have limits. */
  readonly #trees: readonly Tree[];
  readonly #idle = new IdleTimer(IDLE_MS, () => this.#close());
  #inotify: Inotify | undefined;
  readonly #byNumber = new Map<number, Watch>();
  /** Watched cgroups that were read completely and have not changed since. */
  readonly #current = new Set<string>();
  /** Watched cgroups in whose folder none has appeared or vanished since it was listed. */
  readonly #listed = new Set<string>();

  constructor(host: Host, { tree, controllers }: Hierarchy) {
    const paths = [tree, ...LIMITING.flatMap((controller) => controllers.get(controller) ?? [])];
    // Several may be one mount with several controllers.
    const folders = new Map(paths.map((path) => [host.realPath(path), path]));
    this.#trees = [...folders.values()].map((path) => ({ path, watches: new Map() }));
  }

  /** Begins a cycle. */
  begin(): void {
    this.#idle.touch();
    try {
      if (this.#inotify?.drain((event) => this.#note(event)) === false) this.#close();
      this.#inotify ??= new Inotify();
    } catch {
      // Not available, or not at the moment: everything counts as changed.
      this.#close();
    }
  }

  /** Whether nothing has changed since the cgroup was read completely, until this cycle began. */
  isCurrent(id: string): boolean {
    return this.#current.has(id);
  }

  /** Watches a cgroup, again if it has been recreated. To be called before one that is not current is read. */
  watch(id: string): void {
    for (const tree of this.#trees) {
      const above = this.#add(tree, parentOf(id));
      if (above) above.below = (above.below ?? new Set()).add(id);
      const own = this.#add(tree, id);
      if (own) own.isOwn = true;
    }
  }

  /** To be called when a cgroup has been read completely, after {@link watch} in the same cycle. */
  setCurrent(id: string): void {
    const isWatched = ({ watches }: Tree) =>
      watches.get(id)?.isOwn === true && watches.get(parentOf(id))?.below?.has(id) === true;
    if (this.#trees.every(isWatched)) this.#current.add(id);
  }

  /** Whether no folder has appeared or vanished in that of a cgroup since it was listed, until this cycle began. */
  isListed(id: string): boolean {
    return this.#listed.has(id);
  }

  /** To be called when the folder of a cgroup was listed in the tree in which cgroups are looked for. */
  setListed(id: string): void {
    if (this.#trees[0]?.watches.has(id)) this.#listed.add(id);
  }

  /** To be called for a cgroup that is gone. */
  forget(id: string): void {
    this.#setChanged(id);
    for (const { watches } of this.#trees) {
      const own = watches.get(id);
      if (own) own.isOwn = false;
      const above = watches.get(parentOf(id));
      if (above?.below?.delete(id) && above.below.size === 0) above.below = undefined;
      for (const watch of [own, above]) if (watch && !watch.isOwn && watch.below === undefined) this.#remove(watch);
    }
  }

  /** The watch of the folder of `id`, a new one if it has been recreated; undefined if it cannot be watched. */
  #add(tree: Tree, id: string): Watch | undefined {
    const { path, watches } = tree;
    const known = watches.get(id);
    const number = this.#inotify?.add(folderOf(path, id));
    if (known !== undefined && known.number === number) return known;
    if (known !== undefined) this.#remove(known);
    if (number === undefined) return undefined;
    // v1 allows renaming: the watch of the old name is now this one, and ending it would end both.
    const renamed = this.#byNumber.get(number);
    if (renamed !== undefined) {
      this.#setAllChanged(renamed);
      watches.delete(renamed.id);
    }
    const watch: Watch = { number, tree, id, isOwn: false, below: undefined };
    watches.set(id, watch);
    this.#byNumber.set(number, watch);
    return watch;
  }

  /** What was watched through it has to be watched again. */
  #remove(watch: Watch): void {
    this.#setAllChanged(watch);
    this.#byNumber.delete(watch.number);
    watch.tree.watches.delete(watch.id);
    this.#inotify?.remove(watch.number);
  }

  #note({ watch: number, name, isFolder, isWrite }: FolderEvent): void {
    const watch = this.#byNumber.get(number);
    if (watch === undefined) return;
    const { id } = watch;
    if (isFolder) this.#listed.delete(id);
    if (name === '' || CONTROLLERS.test(name)) this.#setAllChanged(watch);
    else if (isFolder) this.#setChanged(id === '/' ? `/${name}` : `${id}/${name}`);
    else if (!isWrite || !READ_ANYWAY.test(name)) this.#current.delete(id);
  }

  /** Those for which a watch is kept. */
  #setAllChanged({ id, isOwn, below }: Watch): void {
    if (isOwn) this.#setChanged(id);
    for (const child of below ?? []) this.#setChanged(child);
  }

  #setChanged(id: string): void {
    this.#current.delete(id);
    this.#listed.delete(id);
  }

  #close(): void {
    this.#inotify?.close();
    this.#inotify = undefined;
    for (const { watches } of this.#trees) watches.clear();
    this.#byNumber.clear();
    this.#current.clear();
    this.#listed.clear();
  }
}
