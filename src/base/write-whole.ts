import { mkdir, open, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const WRITE_MS = 5000;

/**
 * Replaces a file atomically, durably when this resolves, or leaves the old one: after a crash readers find one or the
 * other. The file, and folders that it creates, are accessible to this user only. Rejects with the errors of node:fs, and
 * with an Error without the path if something other than a file is there: root would replace `/dev/null`.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const part = `${path}.part`;
  const there = await stat(path).catch(() => undefined);
  if (there && !there.isFile()) throw new Error('not a regular file');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeFile(part, text, { mode: 0o600, flush: true, signal: AbortSignal.timeout(WRITE_MS) });
    await rename(part, path);
  } catch (cause) {
    await unlink(part).catch(() => undefined);
    throw cause;
  }
  // The new name must be on disk too.
  const folder = await open(dirname(path));
  await folder.sync().finally(() => folder.close());
}
