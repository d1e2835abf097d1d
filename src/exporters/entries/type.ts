import { commonSettings, type ExporterMethods, typeSetting } from '../exporter-type.ts';
import { routesTo } from '../http/proxy-routes.ts';
import { type HttpDefaults, httpSettings } from '../http/settings.ts';
import type { EntrySettings } from './entry-exporter.ts';
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

/** The definition of an exporter type that delivers log entries over HTTP. */
interface EntriesOverHttp<Settings> {
  /** The path at which VictoriaLogs takes the protocol. */
  readonly insertPath: string;
  /** The protocol for these settings, whose code is loaded with the first exporter of the type. */
  readonly protocol: (settings: Settings) => Promise<LogProtocol>;
}

/** The methods of an exporter type that delivers log entries by a protocol, and no series. */
export function entriesOverHttp<Settings extends EntrySettings>({
  insertPath,
  protocol,
}: EntriesOverHttp<Settings>): Omit<Required<ExporterMethods<Settings>>, 'housekeeping'> {
  return {
    traits: () => NO_SERIES,
    precheck(name, settings, env) {
      const { problems, warnings } = routesTo(name, settings, env);
      const urls = [settings.url, ...settings.failover];
      return { problems, warnings: [...warnings, ...insertPathWarnings(name, insertPath, urls)] };
    },
    async check(settings, _target, world) {
      const { checkEntries } = await import('./check.ts');
      return checkEntries(settings, await protocol(settings), world);
    },
    async create(name, settings, context) {
      const { EntryExporter } = await import('./entry-exporter.ts');
      return new EntryExporter(name, settings, await protocol(settings), context);
    },
  };
}

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
