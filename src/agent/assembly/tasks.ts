import { monotonicMs } from '../../base/clock.ts';
import type { Host } from '../../host/host.ts';
import type { TaskSettings } from '../../tasks/settings.ts';
import type { Components } from '../components.ts';
import type { Config } from '../config.ts';
import type { StateRole } from '../state-role.ts';
import type { TaskComponents } from '../task-components.ts';
import type { AssemblyWorld } from './world.ts';

/** The tasks; on state agents only the leader runs them. */
export async function createTasks(
  config: Config,
  components: Components,
  plan: readonly TaskSettings[],
  host: Host,
  { log, now, gate, onTask }: AssemblyWorld,
  state: StateRole | undefined,
): Promise<TaskComponents> {
  const { taskComponents } = await import('../task-components.ts');
  const clocks = { now, monotonicMs };
  const isStandby = () => state !== undefined && !state.election.isLeader();
  return taskComponents(config, components, plan, { host, now, log, clocks, gate, isStandby, onChange: onTask });
}
