import { errorText } from '../../base/error-text.ts';
import { MalformedFile, MissingFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import type { Losses } from '../../host/lines.ts';
import type { KeptCgroupFiles } from './kept-cgroup-files.ts';
import { countOf, keyed, levelOf } from './keyed.ts';

/** No losses; one shared instance, as this is nearly always the case. */
export const NO_LOSSES: readonly unknown[] = [];

/**
 * Reads the files of cgroups, any of which may be missing; a folder is undefined for a controller that has no tree. A
 * file, or a line of it, that is unreadable or malformed is undefined too, and recorded as a loss: nothing else is
 * affected.
 */
export class CgroupFiles implements Losses {
  readonly #host: Host;
  /**
   * Names of files that were absent at the last check. Checking for a file costs a twentieth of a failed read, and
   * files absent in one cgroup are mostly absent in the others, too.
   */
  readonly #missing = new Set<string>();
  #misses = 0;
  #losses = NO_LOSSES;
  /** The file of keys and values that was opened last. */
  #path = '';
  #text = '';

  #mayKeep: boolean = false;
  readonly #kept: KeptCgroupFiles | undefined;

  constructor(host: Host, kept?: KeptCgroupFiles) {
    this.#host = host;
    this.#kept = kept;
  }

  /** Whether files read from now on may stay open: a new cgroup may be short-lived. */
  allowKeeping(may: boolean): void {
    this.#mayKeep = may;
  }

  /** To be called when a cycle begins. */
  begin(): void {
    for (const kept of this.#kept?.byName.values() ?? []) kept.touch();
  }

  /** Closes the files of a removed folder. */
  forget(folder: string): void {
    for (const kept of this.#kept?.byName.values() ?? []) kept.close(folder);
  }

  /** The complete file. */
  text(folder: string | undefined, file: string): string | undefined {
    if (folder === undefined) return undefined;
    const kept = this.#keptText(folder, file);
    if (kept !== undefined) return kept;
    const path = `${folder}/${file}`;
    try {
      const text = this.#missing.has(file) && !this.#host.exists(path) ? undefined : this.#host.readNumbers(path);
      if (text !== undefined) {
        this.#missing.delete(file);
        return text;
      }
    } catch (cause) {
      if (!(cause instanceof MissingFile)) {
        this.lose('', cause);
        return undefined;
      }
    }
    this.#missing.add(file);
    this.#misses++;
    return undefined;
  }

  /** The text of a file that is open, or is kept open from now on. Errors are reported when it is reopened. */
  #keptText(folder: string, file: string): string | undefined {
    const kept = this.#kept?.byName.get(file);
    if (this.#kept === undefined || kept === undefined) return undefined;
    try {
      const fd = kept.get(folder) ?? (this.#mayKeep ? kept.open(folder, `${folder}/${file}`) : undefined);
      if (fd === undefined) return undefined;
      const text = this.#kept.read(fd);
      if (text !== undefined) return text;
    } catch {
      // Not counted as missing or as a loss yet.
    }
    kept.close(folder);
    return undefined;
  }

  /** A file with one value. */
  value<Value>(folder: string | undefined, file: string, parse: (text: string) => Value): Value | undefined {
    const text = this.text(folder, file);
    if (text === undefined) return undefined;
    try {
      return parse(text.trimEnd());
    } catch (cause) {
      this.lose('', new MalformedFile(`${folder}/${file}`, 1, errorText(cause)));
      return undefined;
    }
  }

  /**
   * Opens a file of keys and values for {@link count} and {@link level}; false if it is absent. An empty file, which no
   * kernel produces, is a loss.
   */
  open(folder: string | undefined, file: string): boolean {
    const text = this.text(folder, file);
    return text !== undefined && this.openText(`${folder}/${file}`, text);
  }

  /** Like {@link open}, for text that was already read. */
  openText(path: string, text: string): boolean {
    this.#path = path;
    this.#text = text;
    const isEmpty = text === '' || text.charCodeAt(0) === 0;
    if (isEmpty) this.lose('', new MalformedFile(path, 1, 'expected keys with values, found nothing'));
    return !isEmpty;
  }

  /** Throws MissingFile for an absent file. */
  mustExist(folder: string, file: string): void {
    if (!this.#host.exists(`${folder}/${file}`)) throw new MissingFile(`${folder}/${file}`);
  }

  /** A count that only grows. */
  count(key: string): number | undefined {
    return this.#find(key, countOf);
  }

  /** An amount that may go up and down. */
  level(key: string): number | undefined {
    return this.#find(key, levelOf);
  }

  /** As {@link count} and {@link level}, for a key that every kernel has: its absence is a loss. */
  must(found: number | undefined, key: string): number | undefined {
    if (found === undefined && !this.has(key))
      this.lose('', new MalformedFile(this.#path, 1, `expected a line ${key}`));
    return found;
  }

  /** Whether the open file has a line with that key, valid or not. */
  has(key: string): boolean {
    return this.#text.startsWith(`${key} `) || this.#text.includes(`\n${key} `);
  }

  /** The result of `read`; undefined, and a loss, if it throws anything but a MissingFile, which is not a loss. */
  attempt<Value>(read: () => Value): Value | undefined {
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof MissingFile)) this.lose('', cause);
      return undefined;
    }
  }

  /** Records a read failure; errors name the file. */
  lose(_unit: string, cause: unknown): void {
    this.#losses = [...this.#losses, cause];
  }

  /** Number of absent files since the last call. */
  takeMisses(): number {
    const misses = this.#misses;
    this.#misses = 0;
    return misses;
  }

  /** Whether there are losses since {@link takeLosses} was called. */
  get hasLosses(): boolean {
    return this.#losses !== NO_LOSSES;
  }

  /** The losses since the last call. */
  takeLosses(): readonly unknown[] {
    const losses = this.#losses;
    this.#losses = NO_LOSSES;
    return losses;
  }

  #find(key: string, convert: typeof countOf): number | undefined {
    try {
      return keyed(this.#text, key, convert);
    } catch (cause) {
      const before = this.#text.slice(0, `\n${this.#text}`.indexOf(`\n${key} `));
      const message = errorText(cause);
      this.lose('', new MalformedFile(this.#path, before.split('\n').length, message));
      return undefined;
    }
  }
}
