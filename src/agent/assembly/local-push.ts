import type { LocalPush } from '../../local-push/routes.ts';
import type { Components } from '../components.ts';
import type { Config } from '../config.ts';
import { type AssemblyWorld, requestFailed } from './world.ts';

/** Accepts the pushes of programs on this node. */
export async function localPushComponents(
  config: Config,
  components: Components,
  world: AssemblyWorld,
): Promise<LocalPush | undefined> {
  const { enabled, ttl, limits, socket } = config.localPush;
  if (!enabled) return undefined;
  const localPush = await components.take('localPush', { ttl, limits }, async () => {
    const { createLocalPush } = await import('../../local-push/routes.ts');
    const ownerOf = (family: string) => world.ownerOf(family, 'pushed');
    return createLocalPush({ ttl, limits }, { now: world.now, ownerOf });
  });
  if (socket === undefined) return localPush;
  await components.take(
    'localPush.socket',
    { socket, ttl, limits },
    async () => {
      const { startSocketServer } = await import('../../http/socket-server.ts');
      return startSocketServer(socket, localPush.routes, requestFailed(world, 'push'));
    },
    { stop: (server) => server.close() },
  );
  return localPush;
}
