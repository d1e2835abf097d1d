import type * as z from 'zod';
import { commonSettings, type ExporterType, typeSetting } from '../exporter-type.ts';
import { routesTo } from '../http/proxy-routes.ts';
import { type HttpDefaults, type HttpSettings, httpSettings } from '../http/settings.ts';
import type { LogProtocol } from './protocol.ts';

/** Settings of every exporter of log entries. */
export const entrySettings = <Name extends string>(name: Name, summary: string, url: HttpDefaults['url']) => ({
  type: typeSetting(name, summary),
  enabled: commonSettings.enabled,
  ...httpSettings({ url, timeout: '60s' }),
});

/** A receiver of entries does not accept series. */
const NO_SERIES = {
  acceptsZstd: false,
  endsSeries: false,
  limitsLabels: false,
} as const;

/** A kind of receiver of log entries as data. */
interface EntryType<Schema extends z.ZodObject> {
  readonly name: string;
  /** A strict object with {@link entrySettings}. */
  readonly settings: Schema;
  /** The path at which VictoriaLogs takes the protocol. */
  readonly insertPath: string;
  /** Loads and returns its protocol. */
  readonly protocol: (settings: z.output<Schema>) => Promise<LogProtocol>;
}

/** An exporter type that delivers log entries by a protocol, and no series. */
export const entryExporter = <Schema extends z.ZodObject>({
  name: type,
  settings,
  insertPath,
  protocol,
}: EntryType<Schema>): ExporterType<Schema> => {
  return {
    name: type,
    settings,
    traits: () => NO_SERIES,
    precheck(name, own, env) {
      const { url, failover } = http(own);
      const { problems, warnings } = routesTo(name, http(own), env);
      return { problems, warnings: [...warnings, ...insertPathWarnings(name, insertPath, [url, ...failover])] };
    },
    async check(own, _target, world) {
      const { checkEntries } = await import('./check.ts');
      return checkEntries(http(own), await protocol(own), world);
    },
    async create(name, own, context) {
      const { EntryExporter } = await import('./entry-exporter.ts');
      return new EntryExporter(name, { type, ...http(own) }, await protocol(own), context);
    },
  };
};

/**
 * Warnings of addresses with a path of VictoriaLogs that does not belong to the protocol, whose documented path is
 * `documented`. At `/insert/elasticsearch` VictoriaLogs responds to every upload with 200 and stores nothing, and at
 * `/insert/jsonline` it accepts the empty upload of `check-config --connect`, whatever the type (app/vlinsert, 2026;
 * https://docs.victoriametrics.com/victorialogs/data-ingestion/).
 */
function insertPathWarnings(name: string, documented: string, urls: readonly string[]): readonly string[] {
  return urls.flatMap((url) => {
    const path = new URL(url).pathname.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '');
    // Something may precede it, as with -http.pathPrefix.
    if (!/\/insert(?:\/|$)/.test(path) || path.endsWith(documented)) return [];
    return [
      `exporters.${name}: ${path} is not where VictoriaLogs takes uploads of this type, and it may lose them with status 200; use ${documented}`,
    ];
  });
}

/** Every schema of such an exporter has {@link entrySettings}, which the general type of a schema does not express. */
const http = (settings: unknown) => settings as HttpSettings;
