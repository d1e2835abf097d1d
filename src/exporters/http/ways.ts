import type { ExporterSettings } from '../../config/exporter-schema.ts';
import { ProxyError, proxyFor } from '../../net/proxy.ts';

/** What is to be said of the way to a receiver before anything is sent on it. */
export interface Way {
  /** A proxy of the environment can't be used. */
  readonly problems: readonly string[];
  /** Works, but somebody should know. */
  readonly warnings: readonly string[];
}

/** The ways to all addresses of the exporter `name`, as the proxies of `env` make them. */
export function waysTo(name: string, settings: ExporterSettings, env: NodeJS.ProcessEnv): Way {
  const problems: string[] = [];
  const warnings: string[] = [];
  const hasSecrets = settings.auth !== undefined || Object.keys(settings.headers).length > 0;
  for (const url of [settings.url, ...settings.failover]) {
    try {
      const proxy = proxyFor(new URL(url), env);
      if (!proxy || !hasSecrets || !url.startsWith('http:')) continue;
      const advice = 'use https, or name the host in NO_PROXY';
      const what = settings.auth === undefined ? 'headers' : 'credentials';
      warnings.push(
        `exporters.${name}: the proxy ${proxy.shown} (${proxy.variable}) sees the ${what} for ${url}: ${advice}`,
      );
    } catch (cause) {
      if (!(cause instanceof ProxyError)) throw cause;
      problems.push(`exporters.${name}: ${url} can’t be reached: ${cause.message}`);
    }
  }
  return { problems, warnings };
}
