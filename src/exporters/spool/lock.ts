import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Disk } from './disk.ts';

const NAME = 'lock';

/** Gives a lock back. */
export type Unlock = () => Promise<void>;

/**
 * Takes the folder for this process; undefined when another one has it. The lock is a Unix socket that the owner
 * listens on: unlike a file with a process id it is free as soon as its owner is dead, also when that was a container
 * on the same host. Rejects when the folder can't hold sockets.
 */
export async function lockFolder(disk: Disk, folder: string): Promise<Unlock | undefined> {
  const handle = await disk.run(`open ${folder}`, (io) => io.open(folder));
  // Paths of sockets have 107 bytes at most, and folders may have longer ones.
  const path = `/proc/self/fd/${handle.fd}/${NAME}`;
  try {
    const unlock =
      (await listen(path, handle)) ?? ((await isAlive(path)) ? undefined : await takeOver(disk, path, handle));
    if (unlock === undefined) await handle.close();
    return unlock;
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

/** Two that take over at the same moment may both succeed; then both send the same leftovers, with the same stamps. */
async function takeOver(disk: Disk, path: string, handle: FileHandle): Promise<Unlock | undefined> {
  await disk.run(`remove ${NAME}`, async (io) => {
    // What is no socket was put there by somebody else, and is not ours to remove.
    if ((await io.lstat(path)).isSocket()) await io.unlink(path);
    else await io.rename(path, `${path}-${Date.now()}.foreign`);
  });
  return listen(path, handle);
}

async function listen(path: string, handle: FileHandle): Promise<Unlock | undefined> {
  const server = createServer((socket) => socket.destroy()).listen({ path });
  server.unref();
  try {
    await once(server, 'listening');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw cause;
  }
  return async () => {
    const closed = once(server, 'close');
    server.close();
    await closed;
    await handle.close();
  };
}

/** What connecting fails with where no process has the lock: its owner is dead, or it is no socket at all. */
const NOBODY = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK', 'EISDIR', 'ELOOP', 'ENOTDIR']);

/** The owner's kernel answers for it. */
const CONNECT_MS = 2000;

/** Whether somebody listens; so too when there is no answer. */
async function isAlive(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) });
    return true;
  } catch (cause) {
    return !NOBODY.has((cause as NodeJS.ErrnoException).code ?? '');
  } finally {
    socket.destroy();
  }
}
