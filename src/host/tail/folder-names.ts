import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { namesIn } from './glob.ts';
import { keyOf } from './tailed-file.ts';

/** Maximum number of files of a folder among which a renamed one is looked for. */
const MAX_SEARCHED = 5000;

/** Finds files beside others; what it knows of a folder is of one look. */
export class FolderNames {
  /** By folder, the paths of its files by device and inode. */
  readonly #byFolder = new Map<string, ReadonlyMap<string, string>>();

  /** Forgets everything: another look begins. */
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

  /** The path that the file `key` has now in the folder of `path`; undefined for none. */
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
      if (stat?.isFile() === true) paths.set(keyOf(stat), path);
    } catch {
      // A file that can't be looked at is none that was read.
    }
  }
  return paths;
}
