import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { namesIn } from './glob.ts';
import { inodeKey } from './tailed-file.ts';

/** Maximum number of files of a folder among which a renamed one is searched. */
const MAX_SEARCHED = 5000;

/** Finds files next to others; the list of a folder is cached within one check. */
export class FolderNames {
  /** By folder, the paths of its files by device and inode. */
  readonly #byFolder = new Map<string, ReadonlyMap<string, string>>();

  /** Clears the cache, at the start of a check. */
  clear(): void {
    this.#byFolder.clear();
  }

  /** Files in the folder of `path` whose names start with its name. */
  siblings(path: string): string[] {
    const name = basename(path);
    const folder = dirname(path);
    const names = namesIn(folder, () => undefined).filter((one) => one.startsWith(name) && one !== name);
    return names.map((one) => join(folder, one));
  }

  /** The current path of the file `key` in the folder of `path`; undefined if there is none. */
  pathOf(key: string, path: string): string | undefined {
    const folder = dirname(path);
    const known = this.#byFolder.get(folder) ?? list(folder);
    this.#byFolder.set(folder, known);
    return known.get(key);
  }
}

function list(folder: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const name of namesIn(folder, () => undefined).slice(0, MAX_SEARCHED)) {
    const path = join(folder, name);
    try {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat?.isFile() === true) paths.set(inodeKey(stat), path);
    } catch {
      // A file without access cannot be one that was read.
    }
  }
  return paths;
}
