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

/** A watch of one folder. */
interface Watch {
  readonly number: number;
  readonly folder: string;
  /** The cgroup whose folder this is. */
  readonly id: string;
  /** The cgroups for which it is kept: itself, and those directly below it. */
  readonly users: Set<string>;
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
  readonly #trees: readonly string[];
  readonly #idle = new IdleTimer(IDLE_MS, () => this.#close());
  #inotify: Inotify | undefined;
  readonly #byFolder = new Map<string, Watch>();
  readonly #byNumber = new Map<number, Watch>();
  /** Watched cgroups that were read completely and have not changed since. */
  readonly #current = new Set<string>();
  /** Watched cgroups in whose folder none has appeared or vanished since it was listed. */
  readonly #listed = new Set<string>();

  constructor(host: Host, { tree, controllers }: Hierarchy) {
    const trees = [tree, ...LIMITING.flatMap((controller) => controllers.get(controller) ?? [])];
    // Several may be one mount with several controllers.
    this.#trees = [...new Map(trees.map((tree) => [host.realPath(tree), tree])).values()];
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
      this.#add(tree, parentOf(id), id);
      this.#add(tree, id, id);
    }
  }

  /** To be called when a cgroup has been read completely, after {@link watch} in the same cycle. */
  setCurrent(id: string): void {
    const isWatched = (tree: string, watched: string) =>
      this.#byFolder.get(folderOf(tree, watched))?.users.has(id) === true;
    if (this.#trees.every((tree) => isWatched(tree, id) && isWatched(tree, parentOf(id)))) this.#current.add(id);
  }

  /** Whether no folder has appeared or vanished in that of a cgroup since it was listed, until this cycle began. */
  isListed(id: string): boolean {
    return this.#listed.has(id);
  }

  /** To be called when the folder of a cgroup was listed in the tree in which cgroups are looked for. */
  setListed(id: string): void {
    const [tree] = this.#trees;
    if (tree !== undefined && this.#byFolder.has(folderOf(tree, id))) this.#listed.add(id);
  }

  /** To be called for a cgroup that is gone. */
  forget(id: string): void {
    this.#setChanged([id]);
    for (const tree of this.#trees) {
      for (const used of [id, parentOf(id)]) {
        const watch = this.#byFolder.get(folderOf(tree, used));
        if (watch?.users.delete(id) && watch.users.size === 0) this.#remove(watch);
      }
    }
  }

  /** Watches the folder of `id` for `user`, if that is possible. */
  #add(tree: string, id: string, user: string): void {
    const folder = folderOf(tree, id);
    const known = this.#byFolder.get(folder);
    const number = this.#inotify?.add(folder);
    if (known === undefined || known.number !== number) {
      if (known !== undefined) this.#remove(known);
      if (number === undefined) return;
      const watch = { number, folder, id, users: new Set<string>() };
      this.#byFolder.set(folder, watch);
      this.#byNumber.set(number, watch);
    }
    this.#byFolder.get(folder)?.users.add(user);
  }

  /** What was watched through it has to be watched again. */
  #remove({ number, folder, users }: Watch): void {
    this.#setChanged(users);
    this.#byNumber.delete(number);
    this.#byFolder.delete(folder);
    this.#inotify?.remove(number);
  }

  #note({ watch: number, name, isFolder, isWrite }: FolderEvent): void {
    const watch = this.#byNumber.get(number);
    if (watch === undefined) return;
    const { id, users } = watch;
    if (isFolder) this.#listed.delete(id);
    if (name === '' || CONTROLLERS.test(name)) this.#setChanged(users);
    else if (isFolder) this.#setChanged([id === '/' ? `/${name}` : `${id}/${name}`]);
    else if (!isWrite || !READ_ANYWAY.test(name)) this.#current.delete(id);
  }

  #setChanged(ids: Iterable<string>): void {
    for (const id of ids) {
      this.#current.delete(id);
      this.#listed.delete(id);
    }
  }

  #close(): void {
    this.#inotify?.close();
    this.#inotify = undefined;
    this.#byFolder.clear();
    this.#byNumber.clear();
    this.#current.clear();
    this.#listed.clear();
  }
}
