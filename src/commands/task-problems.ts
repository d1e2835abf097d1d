import type { Config } from '../agent/config.ts';
import { wallMs } from '../base/clock.ts';
import { createLog } from '../base/log.ts';
import { nodeName } from '../config/identity.ts';
import { originsOf } from '../config/origins.ts';
import { Host } from '../host/host.ts';
import { TaskMaker } from '../tasks/make.ts';
import { planTasks } from '../tasks/plan.ts';

/** Problems of the tasks in a configuration file, one line each, including missing requirements. */
export async function taskProblemsOf(config: Config): Promise<readonly string[]> {
  const { max, allowFromApi, denyAddresses } = config.taskRunner;
  const maker = new TaskMaker({
    cluster: config.cluster ?? '',
    node: nodeName(config),
    host: new Host(config.paths),
    now: wallMs,
    log: createLog('silent'),
    pushIntervalMs: config.push.interval,
    denyAddresses,
    allowFromApi,
  });
  const inputs = [{ source: 'file' as const, tasks: config.tasks, origins: originsOf(config) }];
  try {
    const plan = await planTasks(inputs, { max, allowFromApi, tryOut: (task) => void maker.bind(task) });
    const missing = plan.tasks.flatMap(({ common, type, options }) =>
      (type.check?.(options) ?? []).map((problem) => `tasks: ${common.id}: ${problem}`),
    );
    return [...plan.problems.map(({ line }) => line), ...missing];
  } finally {
    maker.close();
  }
}
