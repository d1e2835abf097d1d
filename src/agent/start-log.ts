import type { Log } from '../base/log.ts';
import { nodeName } from '../config/identity.ts';
import { VERSION } from '../config/version.ts';
import { GROUPS } from '../metrics/group.ts';
import type { AgentRegistry } from '../metrics/registry.ts';
import type { Assembly } from './assembly.ts';

/** Logs what the agent started with, and a warning when nothing is pushed. */
export function logStart({ config, http, exporters, phaseMs }: Assembly, registry: AgentRegistry, log: Log): void {
  log.info(
    {
      version: VERSION,
      node: nodeName(config),
      intervalSeconds: config.push.interval / 1000,
      phaseSeconds: phaseMs / 1000,
      groups: GROUPS.filter((group) => registry.groups.has(group)),
      exporters: exporters.map((exporter) => `${exporter.name} ${exporter.status().url}`),
      http: http?.url,
    },
    'started',
  );
  if (exporters.length === 0) log.warn('no exporter is configured: nothing is pushed, only /metrics is served');
}
