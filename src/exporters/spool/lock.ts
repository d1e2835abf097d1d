import { once } from 'node:events';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';

const NAME = 'lock';

/** Gives a lock back. */
export type Unlock = () => Promise<void>;

/**
 * Takes the folder for this process; undefined when another one has it. The lock is a Unix socket that the owner
 * listens on: unlike a file with a process id it is free as soon as its owner is dead, also when that was a container
 * on the same host. Rejects when the folder can't hold sockets.
 */
export async function lockFolder(folder: string): Promise<Unlock | undefined> {
  const handle = await open(folder);
  // Paths of sockets have 107 bytes at most, and folders may have longer ones.
  const path = `/proc/self/fd/${handle.fd}/${NAME}`;
  try {
    const unlock = (await listen(path, handle)) ?? ((await isAlive(path)) ? undefined : await takeOver(path, handle));
    if (unlock === undefined) await handle.close();
    return unlock;
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

/** Two that take over at the same moment may both succeed; then both send the same leftovers, with the same stamps. */
async function takeOver(path: string, handle: FileHandle): Promise<Unlock | undefined> {
  await unlink(path);
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

/** Whether somebody listens. */
async function isAlive(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect');
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}
