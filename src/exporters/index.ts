import type { ExporterSettings } from '../config/exporter-schema.ts';
import { ConfigError } from '../config/load.ts';
import { type ExporterContext, HttpExporter } from './delivery/http-exporter.ts';
import type { Protocol } from './delivery/protocol.ts';
import type { Exporter } from './exporter.ts';
import { waysTo } from './http/ways.ts';
import { pushgateway } from './pushgateway/pushgateway.ts';
import { vmagent } from './victoriametrics/vmagent.ts';

/** All kinds of receivers. A new one is one file and one line here (and its word in the schema). */
const PROTOCOLS: readonly Protocol[] = [vmagent, pushgateway];

/** How receivers of this type are spoken to. */
export function protocolOf(type: ExporterSettings['type']): Protocol {
  const protocol = PROTOCOLS.find((known) => known.type === type);
  if (!protocol) throw new Error(`BUG: no exporter of type ${type}`);
  return protocol;
}

/** The exporter `name`. Throws ConfigError when its files, or the proxy that the environment names, can't be used. */
export function createExporter(name: string, settings: ExporterSettings, context: ExporterContext): Exporter {
  const protocol = protocolOf(settings.type);
  const { problems, warnings } = waysTo(name, settings, context.env);
  if (problems.length > 0) throw new ConfigError(problems);
  for (const warning of warnings) context.log.say('warn', `${name}/proxy`, { exporter: name }, warning);
  return new HttpExporter(name, protocol, settings, context);
}
