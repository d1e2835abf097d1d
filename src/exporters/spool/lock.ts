import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { wallMs } from '../../base/clock.ts';
import { errorCode } from '../../base/error-text.ts';
import type { Disk } from './disk.ts';

const NAME = 'lock';

/** Releases a lock. */
export type Unlock = () => Promise<void>;

/**
 * Locks the folder for this process; undefined when another one has it. The lock is a Unix socket that the owner
 * listens on. Unlike a PID file, it is free as soon as its owner is dead, even if that was a container on the same
 * host. Rejects when the folder does not support sockets.
 */
export async function lockFolder(disk: Disk, folder: string): Promise<Unlock | undefined> {
  const handle = await openFolder(disk, folder);
  // Socket paths have at most 107 bytes, and folder paths may be longer.
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

/** Rejects like {@link Disk.run}. A folder that is opened late is closed: its garbage collection would be an error. */
async function openFolder(disk: Disk, folder: string): Promise<FileHandle> {
  let opening: Promise<FileHandle> | undefined;
  try {
    return await disk.run(`open ${folder}`, (io) => {
      opening = io.open(folder);
      return opening;
    });
  } catch (cause) {
    opening?.then((handle) => handle.close()).catch(() => undefined);
    throw cause;
  }
}

/**
 * Two processes that take over at the same moment may both succeed. Then both send the same old batches, with the same
 * timestamps.
 */
async function takeOver(disk: Disk, path: string, handle: FileHandle): Promise<Unlock | undefined> {
  await disk.run(`remove ${NAME}`, async (io) => {
    // An entry that is not a socket is foreign and must not be removed.
    if ((await io.lstat(path)).isSocket()) await io.unlink(path);
    else await io.rename(path, `${path}-${wallMs()}.foreign`);
  });
  return listen(path, handle);
}

async function listen(path: string, handle: FileHandle): Promise<Unlock | undefined> {
  const server = createServer((socket) => socket.destroy()).listen({ path });
  server.unref();
  try {
    await once(server, 'listening');
  } catch (cause) {
    if (errorCode(cause) === 'EADDRINUSE') return undefined;
    throw cause;
  }
  return async () => {
    const closed = once(server, 'close');
    server.close();
    await closed;
    await handle.close();
  };
}

/** Connection errors when no process holds the lock: its owner is dead, or it is not a socket. */
const NOBODY = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK', 'EISDIR', 'ELOOP', 'ENOTDIR']);

/** The kernel accepts the connection for the owner. */
const CONNECT_MS = 2000;

/** Whether a process listens. Also true when there is no response. */
async function isAlive(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) });
    return true;
  } catch (cause) {
    return !NOBODY.has(errorCode(cause) ?? '');
  } finally {
    socket.destroy();
  }
}
