import type { Stats } from 'node:fs';
import { type FileState, TailedFile } from './tailed-file.ts';

/** What a copy is known by. */
export type Original = Pick<FileState, 'headBytes' | 'headHash' | 'offset'>;

/**
 * The file at `path` opened behind what was read of `of`, if it is a copy: it begins like it, and is at least as long as
 * the part already read. Throws the errors of node:fs.
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
