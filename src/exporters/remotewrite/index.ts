import type { ExporterType } from '../exporter-type.ts';
import { routesTo } from '../http/proxy-routes.ts';
import { remoteWriteSettings } from './settings.ts';

/** Prometheus remote write. */
export const remotewriteExporter: ExporterType<typeof remoteWriteSettings> = {
  name: 'remotewrite',
  settings: remoteWriteSettings,
  traits: () => ({
    acceptsZstd: true,
    endsSeries: true,
    limitsLabels: false,
  }),
  precheck: routesTo,
  async create(name, own, context) {
    const { RemoteWriteExporter } = await import('./remote-write-exporter.ts');
    return new RemoteWriteExporter(name, own, context);
  },
  async check(own, target, world) {
    const { checkRemoteWrite } = await import('./check.ts');
    return checkRemoteWrite(own, target, world);
  },
};
