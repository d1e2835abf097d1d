import { ProxyError, proxyFor } from '../../net/proxy.ts';
import type { Precheck } from '../exporter-type.ts';
import type { HttpSettings } from './settings.ts';

/** The routes to all addresses of the exporter `name`, through the proxies of `env`. */
export function routesTo(name: string, settings: HttpSettings, env: NodeJS.ProcessEnv): Precheck {
  const problems: string[] = [];
  const warnings: string[] = [];
  const hasSecrets =
    settings.auth !== undefined || Object.keys({ ...settings.headers, ...settings.headerFiles }).length > 0;
  for (const url of [settings.url, ...settings.failover]) {
    try {
      const proxy = proxyFor(new URL(url), env);
      if (!proxy || !hasSecrets || !url.startsWith('http:')) continue;
      const advice = 'use https, or add the host to NO_PROXY';
      const what = settings.auth === undefined ? 'headers' : 'credentials';
      warnings.push(
        `exporters.${name}: the proxy ${proxy.shown} (${proxy.variable}) sees the ${what} for ${url}: ${advice}`,
      );
    } catch (cause) {
      if (!(cause instanceof ProxyError)) throw cause;
      problems.push(`exporters.${name}: ${url} cannot be reached: ${cause.message}`);
    }
  }
  return { problems, warnings };
}
