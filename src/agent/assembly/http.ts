import { type HttpServer, type HttpServerSettings, startHttp } from '../../http/server.ts';
import type { Components } from '../components.ts';
import type { Config } from '../config.ts';
import { type AssemblyWorld, requestFailed } from './world.ts';

/** Node agents of a large cluster ask every 15 s, and each connection stays open for 5 s. */
const STATE_CONNECTIONS = 2000;

/** The settings of the HTTP server of an agent with this configuration. */
export const servingOf = ({
  http: { readTokenFile, controlTokenFile },
  localPush: { enabled, tokenFile },
  collectors: { ksm },
}: Config): HttpServerSettings => ({
  readTokenFile,
  controlTokenFile,
  ...(enabled && { pushTokenFile: tokenFile }),
  ...(ksm.enabled && { maxConnections: STATE_CONNECTIONS }),
});

/** The HTTP server, unless it is off. */
export async function httpComponent(
  config: Config,
  components: Components,
  world: AssemblyWorld,
): Promise<HttpServer | undefined> {
  const { enabled, listen, tls } = config.http;
  if (!enabled) return undefined;
  return components.take(
    'http',
    { listen, tls },
    () => startHttp(listen, world.routes, requestFailed(world, 'http'), { tls, settings: world.serving }),
    { stop: (server) => server.close() },
  );
}
