import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorText } from '../../base/error-text.ts';

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

const JOURNAL_NAME = /\.journal~?$/;

/** The journal files in `folders` and in folders of these; what is unreadable is added to `problems`. */
export function listJournals(folders: readonly string[], problems: Error[]): Listed[] {
  const listed: Listed[] = [];
  const visit = (root: string, folder: string, isRoot: boolean) => {
    for (const name of namesIn(folder, problems)) {
      const path = join(folder, name);
      const isJournal = JOURNAL_NAME.test(name);
      if (!isJournal && !isRoot) continue;
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (stat.isDirectory()) {
        if (isRoot) visit(root, path, false);
      } else if (isJournal && stat.isFile() && stat.size > 0) {
        // An empty one was just created: journald has not written its header yet.
        listed.push({ path, folder: root, key: `${stat.dev}:${stat.ino}`, ctimeMs: stat.ctimeMs, gid: stat.gid });
      }
    }
  };
  for (const root of folders) visit(root, root, true);
  return listed;
}

function namesIn(folder: string, problems: Error[]): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (cause) {
    const code = errorCode(cause);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      problems.push(problemOf(folder, statSync(folder, { throwIfNoEntry: false })?.gid, cause));
    }
    return [];
  }
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
