import { monotonicMs } from '../../base/clock.ts';
import type { Host } from '../../host/host.ts';
import type { TaskSettings } from '../../tasks/settings.ts';
import type { Config } from '../config.ts';
import type { Parts } from '../parts.ts';
import type { StateRole } from '../state-role.ts';
import type { TaskParts } from '../task-parts.ts';
import type { AssemblyWorld } from './world.ts';

/** The tasks; on state agents only the leader runs them. */
export async function createTasks(
  config: Config,
  parts: Parts,
  plan: readonly TaskSettings[],
  host: Host,
  { log, now, gate, onTask }: AssemblyWorld,
  state: StateRole | undefined,
): Promise<TaskParts> {
  const { taskParts } = await import('../task-parts.ts');
  const clocks = { now, monotonicMs };
  const isStandby = () => state !== undefined && !state.election.isMaster();
  return taskParts(config, parts, plan, { host, now, log, clocks, gate, isStandby, onChange: onTask });
}
