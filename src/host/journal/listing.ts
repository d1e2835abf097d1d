import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorText } from '../../base/error-text.ts';
import { inodeKey } from '../tail/tailed-file.ts';

/** A journal file that was found. */
interface Listed {
  readonly path: string;
  /** The configured folder that contains it or its folder. */
  readonly folder: string;
  /** Device and inode. */
  readonly key: string;
  readonly ctimeMs: number;
  readonly gid: number;
}

/** The journal files found at one time. */
interface Listing {
  readonly files: readonly Listed[];
  /** Whether files were renamed or removed in the meantime: one that was renamed may be missing. */
  readonly isStable: boolean;
  /** Whether all folders could be read. */
  readonly isWhole: boolean;
}

const JOURNAL_NAME = /\.journal~?$/;

/** Errors of a process that lacks memory or descriptors: they say nothing about the file. */
const TRANSIENT: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR']);

/** Whether an attempt may succeed a moment later. */
export const isTransient = (cause: unknown): boolean => TRANSIENT.has(errorCode(cause));

/** The journal files in `folders` and in folders of these; what is unreadable is added to `problems`. */
export function listJournals(folders: readonly string[], problems: Error[]): Listing {
  const files: Listed[] = [];
  let isStable = true;
  let isWhole = true;
  const namesIn = (folder: string): string[] => {
    try {
      return readdirSync(folder).sort();
    } catch (cause) {
      const code = errorCode(cause);
      if (code === 'ENOENT' || code === 'ENOTDIR') return [];
      isWhole = false;
      if (isTransient(cause)) isStable = false;
      problems.push(problemOf(folder, statSync(folder, { throwIfNoEntry: false })?.gid, cause));
      return [];
    }
  };
  const visit = (root: string, folder: string, isRoot: boolean) => {
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      const isJournal = JOURNAL_NAME.test(name);
      if (!isJournal && !isRoot) continue;
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) {
        // A link to nothing stays one.
        if (isJournal && !lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) isStable = false;
      } else if (stat.isDirectory()) {
        if (isRoot) visit(root, path, false);
      } else if (isJournal && stat.isFile() && stat.size > 0) {
        // An empty one was just created: journald has not written its header yet.
        files.push({ path, folder: root, key: inodeKey(stat), ctimeMs: stat.ctimeMs, gid: stat.gid });
      }
    }
  };
  for (const root of folders) visit(root, root, true);
  return { files, isStable, isWhole };
}

/** An error with the path, and with the group to add if access was denied. */
export function problemOf(path: string, gid: number | undefined, cause: unknown): Error {
  const code = errorCode(cause);
  if (code === 'EACCES' || code === 'EPERM') {
    const group = gid === undefined ? 'the group of systemd-journal' : `group ${gid}`;
    return new Error(`${path}: permission denied; run with ${group} (supplementalGroups of the pod)`, { cause });
  }
  return new Error(`${path}: ${errorText(cause)}`, { cause });
}
