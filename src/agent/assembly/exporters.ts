import { targets } from '../../config/identity.ts';
import type { Exporter } from '../../exporters/exporter.ts';
import type { HousekeepingWorld } from '../../exporters/exporter-type.ts';
import { createExporter, exporterTypeOf } from '../../exporters/index.ts';
import type { Components } from '../components.ts';
import type { Config } from '../config.ts';
import type { StateRole } from '../state-role.ts';
import type { AssemblyWorld } from './world.ts';

/** Time for uploads in progress and for the last push, milliseconds. */
const FLUSH_MS = 3000;

/** The exporters, and the housekeeping of the leader at their receivers. */
export async function exporterComponents(
  config: Config,
  components: Components,
  { exportMetrics: metrics, throttled: log, now, random, env }: AssemblyWorld,
  state: StateRole | undefined,
): Promise<Exporter[]> {
  const { spool, cluster } = config;
  const context = { targets: targets(config), spool, metrics, log, now, random, env };
  const exporters: Exporter[] = [];
  for (const [name, settings] of Object.entries(config.exporters)) {
    if (!settings.enabled) continue;
    const inputs = { settings, targets: context.targets, spool };
    const exporter = await components.take(`exporters.${name}`, inputs, () => createExporter(name, settings, context), {
      start: (made) => made.start(),
      stop: (made) => made.close(FLUSH_MS),
    });
    exporters.push(exporter);
    const type = exporterTypeOf(settings);
    if (!state || !type.housekeeping) continue;
    const world: HousekeepingWorld = {
      ...{ cluster, env, now, log, metrics },
      isLeader: () => state.election.isLeader(),
      nodes: (signal) => state.nodeNames(signal),
      nodeJobs: nodeJobs(config),
    };
    await components.take(
      `exporters.${name}.housekeeping`,
      { ...inputs, state: config.collectors.ksm, election: config.election },
      () => type.housekeeping?.(name, settings, world),
      { start: (made) => made?.start(), stop: (made) => made?.stop() },
    );
  }
  return exporters;
}

/** The jobs whose groups carry the name of a node as instance. */
const nodeJobs = ({ identity }: Config): ReadonlySet<string> =>
  new Set(
    Object.values(identity)
      .filter((group) => 'job' in group)
      .filter(({ instance }) => instance === '{node}')
      .map(({ job }) => job),
  );
