import { filesMatching } from './glob.ts';

/** How often patterns are expanded: in between, only known paths are checked. */
const LIST_EVERY_MS = 10_000;

export interface PathListOptions {
  readonly paths: readonly string[];
  readonly exclude: (path: string) => boolean;
  /** Maximum number of files; further ones are left out. */
  readonly maxFiles?: number;
}

/** The paths that match the patterns of a set, looked up every ten seconds. */
export class PathList {
  readonly #options: PathListOptions;
  readonly #failed: (folder: string, cause: unknown) => void;
  #globs: readonly string[];
  #paths: readonly string[] = [];
  /** When the patterns are expanded next. */
  #dueAt = 0;
  #leftOut = 0;

  /** `failed` gets folders that can't be read. */
  constructor(options: PathListOptions, failed: (folder: string, cause: unknown) => void) {
    this.#options = options;
    this.#globs = options.paths;
    this.#failed = failed;
  }

  get paths(): readonly string[] {
    return this.#paths;
  }

  /** How many paths are left out because there are too many. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** Expands the patterns if it is time to; whether it was. */
  refresh(nowMs: number): boolean {
    // A clock that was set back must not put it off.
    if (nowMs < this.#dueAt && this.#dueAt - nowMs <= LIST_EVERY_MS) return false;
    const { exclude, maxFiles = Number.POSITIVE_INFINITY } = this.#options;
    const found = new Set<string>();
    for (const pattern of this.#globs) {
      for (const path of filesMatching(pattern, this.#failed)) if (!exclude(path)) found.add(path);
    }
    this.#leftOut = Math.max(0, found.size - maxFiles);
    this.#paths = this.#leftOut === 0 ? [...found] : [...found].slice(0, maxFiles);
    this.#dueAt = nowMs + LIST_EVERY_MS;
    return true;
  }

  /** Expands the patterns at the next {@link refresh}, whenever that is. */
  expire(): void {
    this.#dueAt = 0;
  }

  /** Takes other patterns from now on. */
  follow(globs: readonly string[]): void {
    this.#globs = globs;
    this.expire();
  }

  /** Forgets paths until the patterns are expanded again. */
  drop(isDropped: (path: string) => boolean): void {
    this.#paths = this.#paths.filter((path) => !isDropped(path));
  }
}
