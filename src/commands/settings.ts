import type { Config } from '../agent/agent.ts';
import { declaredLabels } from '../collectors/declared-labels.ts';
import { collectorsSection } from '../collectors/sections.ts';
import { labelConflicts } from '../config/label-conflicts.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { configSchema } from '../config/schema.ts';
import { SETTINGS } from '../config/settings-table.ts';
import { exporterSection } from '../exporters/index.ts';
import type { Parsed } from './flags.ts';

/** The schema of the configuration file. */
export const settingsSchema = configSchema({
  collectors: collectorsSection,
  exporter: exporterSection,
  declared: declaredLabels,
})
  .refine(({ logs, collectors }) => !logs.snmp.enabled || collectors.snmp.enabled, {
    path: ['logs', 'snmp', 'enabled'],
    error: 'traps are received by a collector: set collectors.snmp.enabled as well',
  })
  .refine(({ logs, collectors }) => !logs.events.enabled || (collectors.ksm.enabled && collectors.event.enabled), {
    path: ['logs', 'events', 'enabled'],
    error: 'events are watched by a collector: set collectors.event.enabled and collectors.ksm.enabled as well',
  });

/** Loads the configuration given by parsed flags and the environment. Throws ConfigError. */
export function loadSettings(values: Parsed['values'], env: NodeJS.ProcessEnv): Loaded<Config> {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const { config, warnings } = loadConfig(settingsSchema, {
    file: text(values.config),
    env,
    flags: Object.fromEntries(SETTINGS.map(({ flag }) => [flag, text(values[flag])])),
    set: values.set ?? [],
  });
  const conflicts = labelConflicts(config, declaredLabels(config.collectors));
  return { config, warnings: [...warnings, ...conflicts.flatMap(({ renamed = [] }) => renamed)] };
}
