import { MalformedFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { oneLine } from '../../host/lines.ts';

/** Reads the files of cgroups, any of which may be missing; a folder is undefined for a controller that has no tree. */
export class CgroupFiles {
  readonly #host: Host;
  /**
   * Names of files that were not there when last looked for. To look whether there is one costs a twentieth of a failed
   * attempt to read it, and what one cgroup does not have the others mostly have not either.
   */
  readonly #missing = new Set<string>();
  #misses = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  /** The whole file. */
  text(folder: string | undefined, file: string): string | undefined {
    if (folder === undefined) return undefined;
    const path = `${folder}/${file}`;
    const text = this.#missing.has(file) && !this.#host.exists(path) ? undefined : this.#host.readIfExists(path);
    if (text === undefined) {
      this.#missing.add(file);
      this.#misses++;
    } else {
      this.#missing.delete(file);
    }
    return text;
  }

  /** How many files were not there since this was last asked. */
  takeMisses(): number {
    const misses = this.#misses;
    this.#misses = 0;
    return misses;
  }

  /** A file with one value. Throws MalformedFile for what `parse` does not take. */
  value<Value>(folder: string | undefined, file: string, parse: (text: string) => Value): Value | undefined {
    const text = this.text(folder, file);
    return text === undefined ? undefined : oneLine(`${folder}/${file}`, text.trimEnd(), parse);
  }

  /** A file of keys and values, for `keyed`; `parse` is not called when there is none. Throws MalformedFile. */
  stat(folder: string | undefined, file: string, parse: (lines: string) => void): void {
    const text = this.text(folder, file);
    if (text !== undefined) parsing(`${folder}/${file}`, () => parse(text));
  }

  /** Like {@link stat}, for a file that every cgroup has. Throws MissingFile. */
  mustStat(folder: string, file: string, parse: (lines: string) => void): void {
    const path = `${folder}/${file}`;
    const text = this.#host.read(path);
    parsing(path, () => parse(text));
  }
}

/** Runs `parse` on what was read at `path`. Throws MalformedFile. */
export function parsing(path: string, parse: () => void): void {
  try {
    parse();
  } catch (cause) {
    throw new MalformedFile(path, 1, cause instanceof Error ? cause.message : String(cause));
  }
}
