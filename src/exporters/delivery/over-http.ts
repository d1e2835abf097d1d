import type { ExporterMethods } from '../exporter-type.ts';
import { routesTo } from '../http/proxy-routes.ts';
import type { Protocol } from './protocol.ts';
import type { DeliverySettings } from './settings.ts';

/** The definition of an exporter type that sends text over HTTP. */
interface OverHttp<Settings> {
  /** The protocol for these settings, whose code is loaded with the first exporter of the type. */
  readonly protocol: (settings: Settings) => Promise<Protocol>;
  /** Whether the agent's own groups are deleted when it stops; never when unset. */
  readonly deletesOnStop?: (settings: Settings) => boolean;
}

/** The methods of an exporter type that sends text over HTTP, with queue, spool and replay. */
export function overHttp<Settings extends DeliverySettings>({
  protocol,
  deletesOnStop = () => false,
}: OverHttp<Settings>): Required<Pick<ExporterMethods<Settings>, 'precheck' | 'create' | 'check'>> {
  return {
    precheck: routesTo,
    async create(name, settings, context) {
      const { HttpExporter } = await import('./http-exporter.ts');
      const keepsOnDisk = settings.spool.enabled && context.spool.path !== undefined;
      const stored = keepsOnDisk ? await import('./stored.ts') : undefined;
      const own = { ...settings, deletesOnStop: deletesOnStop(settings) };
      return new HttpExporter(name, await protocol(settings), own, context, stored);
    },
    async check(settings, target, world) {
      const { checkReceivers } = await import('../check.ts');
      return checkReceivers(await protocol(settings), settings, target, world);
    },
  };
}
