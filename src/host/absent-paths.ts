import { statSync } from 'node:fs';
import { pathOfText } from './bytes.ts';
import { MissingFile } from './errors.ts';

/**
 * Ten times the number of absent paths that the collectors of a host check. Processes that have ended eventually fill
 * it.
 */
const MAX_PATHS = 1024;

/**
 * Paths that did not exist when they were last opened. Most hosts lack most hardware, so each cycle looks for some
 * thirty absent files and folders: a stat that finds nothing costs 6 µs, a failed open with its error 28 µs. Not for
 * paths built afresh for each of a thousand reads: hashing them costs more than it saves.
 */
export class AbsentPaths {
  readonly #paths = new Set<string>();

  /** Whether `path` was absent last time, and still is. */
  isAbsent(path: string): boolean {
    if (!this.#paths.has(path)) return false;
    if (isMissing(path)) return true;
    this.#paths.delete(path);
    return false;
  }

  /** Records `path` if `error` means that it is missing; returns `error`. */
  note(path: string, error: Error): Error {
    if (!(error instanceof MissingFile)) return error;
    if (this.#paths.size >= MAX_PATHS) this.#paths.clear();
    this.#paths.add(path);
    return error;
  }
}

/** Whether the path is absent; false if that cannot be determined, so that the caller gets the actual error. */
function isMissing(path: string): boolean {
  try {
    return statSync(pathOfText(path), { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}
