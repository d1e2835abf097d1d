import * as z from 'zod';
import { ConfigError } from '../config/config-error.ts';
import type { ExporterSettings } from '../config/exporter-settings.ts';
import { elasticsearchExporter } from './elasticsearch/index.ts';
import type { Exporter } from './exporter.ts';
import type { ExporterContext, ExporterMethods, ExporterType } from './exporter-type.ts';
import { journaldExporter } from './journald/index.ts';
import { lokiExporter } from './loki/index.ts';
import { pushgatewayExporter } from './pushgateway/index.ts';
import { remotewriteExporter } from './remotewrite/index.ts';
import { victorialogsExporter } from './victorialogs/index.ts';
import { vmagentExporter } from './victoriametrics/index.ts';

/** All kinds of receivers. A new one takes one record and one line here. */
const TYPES = [
  vmagentExporter,
  pushgatewayExporter,
  remotewriteExporter,
  journaldExporter,
  victorialogsExporter,
  lokiExporter,
  elasticsearchExporter,
] as const satisfies readonly ExporterType[];

/** One exporter in the configuration. Its `type` determines the other settings. */
export const exporterSection = z.discriminatedUnion('type', [
  TYPES[0].settings,
  ...TYPES.slice(1).map(({ settings }) => settings),
]);

/** The operations of the exporter type of these settings. */
export function exporterTypeOf({ type }: Pick<ExporterSettings, 'type'>): ExporterMethods<ExporterSettings> {
  const found = TYPES.find(({ name }) => name === type);
  if (!found) throw new Error(`BUG: no exporter of type ${type}`);
  // Each record receives the settings that its own schema has parsed.
  return found as ExporterMethods<never>;
}

/** The exporter `name`. Rejects with ConfigError when its files, or the proxy in the environment, are unusable. */
export async function createExporter(
  name: string,
  settings: ExporterSettings,
  context: ExporterContext,
): Promise<Exporter> {
  const type = exporterTypeOf(settings);
  const { problems = [], warnings = [] } = type.precheck?.(name, settings, context.env) ?? {};
  if (problems.length > 0) throw new ConfigError(problems);
  for (const warning of warnings) context.log.write('warn', warning, { exporter: name }, warning);
  return type.create(name, settings, context);
}
