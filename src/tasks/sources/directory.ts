import { type FSWatcher, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { readText, whyUnread } from '../../base/files.ts';
import type { SourceSettings } from '../../config/sources-section.ts';
import type { TaskInputs } from '../plan.ts';
import { hashOf, readDocument, SourceError } from './document.ts';
import type { Content, TaskListSource } from './source.ts';

const MAX_BYTES = 1024 * 1024;
const MAX_FILES = 1000;
/** The update of a ConfigMap causes several events. */
const DEBOUNCE_MS = 1000;
/** Network file systems send no events, and a watch can be lost. */
const POLL_MS = 30_000;
const DEEPEST = 8;

/** How a folder is followed; everything except tests uses the defaults. */
interface DirectoryTimes {
  readonly debounceMs: number;
  readonly pollMs: number;
}

/** The files `*.yaml` and `*.yml` of a folder, such as a mounted ConfigMap, by name. */
export class DirectorySource implements TaskListSource {
  readonly name: string;
  readonly #path: string;
  readonly #isRecursive: boolean;
  readonly #allow: SourceSettings['allow'];
  readonly #times: DirectoryTimes;
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #debounce: NodeJS.Timeout | undefined;
  #seen: string | undefined;

  constructor(
    path: string,
    isRecursive: boolean,
    allow: SourceSettings['allow'],
    times: DirectoryTimes = { debounceMs: DEBOUNCE_MS, pollMs: POLL_MS },
  ) {
    this.name = path;
    this.#path = path;
    this.#isRecursive = isRecursive;
    this.#allow = allow;
    this.#times = times;
  }

  first(): Content {
    return this.#read();
  }

  start(offer: (content: Content) => Promise<void>, failed: (cause: unknown) => void): void {
    const reread = () => {
      this.#watch(soon);
      try {
        const before = this.#seen;
        const content = this.#read();
        if (content.hash !== before) offer(content).catch(failed);
      } catch (cause) {
        failed(cause);
      }
    };
    const soon = () => {
      clearTimeout(this.#debounce);
      this.#debounce = setTimeout(reread, this.#times.debounceMs);
      this.#debounce.unref();
    };
    this.#watch(soon);
    this.#poll = setInterval(reread, this.#times.pollMs);
    this.#poll.unref();
    // Changes since the first read.
    soon();
  }

  stop(): void {
    clearTimeout(this.#debounce);
    clearInterval(this.#poll);
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** Watches the folder; retried on each poll while that fails. */
  #watch(changed: () => void): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#path, { recursive: this.#isRecursive, persistent: false }, changed);
      this.#watcher.on('error', () => {
        this.#watcher?.close();
        this.#watcher = undefined;
      });
    } catch {
      // The folder may be created later; until then it is polled.
    }
  }

  #read(): Content {
    const names = this.#names(this.#path, '', 0).sort();
    if (names.length > MAX_FILES) throw new SourceError([`${this.#path}: more than ${MAX_FILES} files`]);
    const problems: string[] = [];
    const texts: string[] = [];
    for (const name of names) {
      const path = join(this.#path, name);
      try {
        texts.push(name, readText(path, MAX_BYTES));
      } catch (cause) {
        problems.push(`${path}: cannot be read (${whyUnread(cause)})`);
      }
    }
    if (problems.length > 0) throw new SourceError(problems);
    const hash = hashOf(texts);
    this.#seen = hash;
    const inputs: TaskInputs[] = [];
    for (const [index, name] of names.entries()) {
      try {
        inputs.push(readDocument(join(this.#path, name), texts[2 * index + 1] ?? '', 'directory', this.#allow));
      } catch (cause) {
        if (!(cause instanceof SourceError)) throw cause;
        problems.push(...cause.problems);
      }
    }
    if (problems.length > 0) throw new SourceError(problems);
    return { hash, inputs };
  }

  #names(folder: string, prefix: string, depth: number): string[] {
    let entries: { readonly name: string; isDirectory(): boolean }[];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch (cause) {
      throw new SourceError([`${folder}: cannot be read (${whyUnread(cause)})`]);
    }
    return entries.flatMap((entry) => {
      // `..data` and the like of a mount, and hidden files.
      if (entry.name.startsWith('.')) return [];
      if (entry.isDirectory()) {
        if (!this.#isRecursive || depth >= DEEPEST) return [];
        return this.#names(join(folder, entry.name), `${prefix}${entry.name}/`, depth + 1);
      }
      return /\.ya?ml$/.test(entry.name) ? [prefix + entry.name] : [];
    });
  }
}
