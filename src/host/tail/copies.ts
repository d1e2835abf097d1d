import type { Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type FileState, TailedFile } from './tailed-file.ts';

/** The identification of a copy. */
type Original = Pick<FileState, 'headBytes' | 'headHash' | 'offset'>;

/**
 * The newest copy of a file among `paths`, opened after the part that has been read. A copy has the same beginning, and
 * is at least as long as that part. Paths without a status are skipped; errors of node:fs go to `failed`.
 */
export function newestCopy(
  paths: readonly string[],
  of: Original,
  nowMs: number,
  statOf: (path: string) => Stats | undefined,
  failed: (path: string, cause: unknown) => void,
): TailedFile | undefined {
  const copies: TailedFile[] = [];
  for (const path of paths) {
    const stat = statOf(path);
    try {
      const copy = stat && openCopy(path, stat, of, nowMs);
      if (copy) copies.push(copy);
    } catch (cause) {
      failed(path, cause);
    }
  }
  const [newest, ...others] = copies.sort((a, b) => b.stat().mtimeMs - a.stat().mtimeMs);
  for (const other of others) other.close();
  return newest;
}

function openCopy(path: string, stat: Stats, of: Original, nowMs: number): TailedFile | undefined {
  if (!stat.isFile() || stat.size < of.offset) return undefined;
  const copy = new TailedFile(path, stat, of.offset, nowMs);
  let isCopy = false;
  try {
    isCopy = copy.open() && copy.headHash(of.headBytes) === of.headHash;
  } finally {
    if (!isCopy) copy.close();
  }
  if (!isCopy) return undefined;
  copy.remember({ ...copy, headBytes: of.headBytes, headHash: of.headHash });
  copy.size = stat.size;
  return copy;
}

/**
 * Whether a new file has the same beginning as the file from whose name its own is derived, as `access.log.1` is from
 * `access.log`; `fileAt` returns the followed file with a path.
 */
export function looksLikeCopy(file: TailedFile, fileAt: (path: string) => TailedFile | undefined): boolean {
  const folder = dirname(file.path);
  const name = basename(file.path);
  for (let length = name.length - 1; length > 0; length--) {
    const original = fileAt(join(folder, name.slice(0, length)));
    if (original === undefined) continue;
    const { headBytes, headHash, offset } = original.state;
    if (headBytes > 0 && file.size >= offset && file.headHash(headBytes) === headHash) return true;
  }
  return false;
}
