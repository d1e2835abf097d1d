import type { Stats } from 'node:fs';
import { type FileState, TailedFile } from './tailed-file.ts';

/** The identification of a copy. */
export type Original = Pick<FileState, 'headBytes' | 'headHash' | 'offset'>;

/**
 * The file at `path`, opened after the part of `of` that has been read, if it is a copy: it has the same beginning, and
 * is at least as long as that part. Throws the errors of node:fs.
 */
export function openCopy(path: string, stat: Stats, of: Original, nowMs: number): TailedFile | undefined {
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
