import type { ExporterSettings } from '../config/schema.ts';
import type { Exporter } from './exporter.ts';
import { type ExporterContext, HttpExporter } from './http-exporter.ts';
import type { Protocol } from './protocol.ts';
import { pushgateway } from './pushgateway.ts';
import { vmagent } from './vmagent.ts';

/** All kinds of receivers. A new one is one file and one line here (and its word in the schema). */
const PROTOCOLS: readonly Protocol[] = [vmagent, pushgateway];

/** The exporters that are configured and enabled. */
export function createExporters(
  settings: Readonly<Record<string, ExporterSettings>>,
  context: ExporterContext,
): Exporter[] {
  return Object.entries(settings)
    .filter(([, { enabled }]) => enabled)
    .map(([name, setting]) => {
      const protocol = PROTOCOLS.find(({ type }) => type === setting.type);
      if (!protocol) throw new Error(`BUG: no exporter of type ${setting.type}`);
      return new HttpExporter(name, protocol, setting, context);
    });
}
