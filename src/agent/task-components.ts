import { sleep } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { nodeCollectorNames } from '../collectors/node/index.ts';
import { nodeName } from '../config/identity.ts';
import type { Host } from '../host/host.ts';
import { Scope } from '../metrics/scope.ts';
import { labelledTasks } from '../tasks/labelled-tasks.ts';
import { TaskMaker } from '../tasks/make.ts';
import type { TaskSettings } from '../tasks/settings.ts';
import type { Task } from '../tasks/task.ts';
import { TaskRunner, type TaskRunnerWorld } from '../tasks/task-runner.ts';
import type { Components } from './components.ts';
import type { Config } from './config.ts';

/** Time for aborted runs to end: enough for SIGTERM and SIGKILL of a program. */
const END_MS = 3000;

/** What creating tasks needs. */
interface TaskComponentsWorld extends TaskRunnerWorld {
  readonly host: Host;
  readonly now: () => number;
  readonly log: Log;
}

/** The tasks of a configuration. */
export interface TaskComponents {
  readonly runner: TaskRunner;
  readonly scopes: readonly Scope[];
  /** Makes these tasks the active ones of the runner. */
  takeOver(): void;
}

/**
 * Builds, or takes over, one component per task, and their shared component. Throws an Error for a task that can't be
 * made.
 */
export async function taskComponents(
  config: Config,
  components: Components,
  plan: readonly TaskSettings[],
  world: TaskComponentsWorld,
): Promise<TaskComponents> {
  const { concurrency, denyAddresses, allowFromApi } = config.taskRunner;
  const { paths, cluster = '' } = config;
  const pushIntervalMs = config.push.interval;
  const node = nodeName(config);
  const runnerSettings = { pushIntervalMs, concurrency, denyAddresses, allowFromApi, paths, cluster, node };
  const { runner, maker } = await components.take(
    'taskRunner',
    runnerSettings,
    () => {
      const { host, now, log } = world;
      return {
        runner: new TaskRunner(concurrency, world),
        maker: new TaskMaker({ cluster, node, host, now, log, pushIntervalMs, denyAddresses, allowFromApi }),
      };
    },
    {
      async stop(made) {
        made.runner.schedule.stop();
        made.maker.close();
        await Promise.race([made.runner.ended(), sleep(END_MS, undefined, { ref: false })]);
      },
    },
  );
  const { node: section } = config.collectors;
  const labelled = labelledTasks(plan, nodeCollectorNames(section));
  const tasks: Task[] = [];
  for (const settings of plan) {
    const { id } = settings.common;
    const isLabelled = labelled.has(settings);
    const task = await components.take(
      `tasks.${id}`,
      { input: settings.input, source: settings.source, isLabelled, runner: runnerSettings },
      (replaced: Task | undefined) => maker.make(settings, runner, isLabelled, replaced),
      { start: (made) => made.start(), stop: (made) => made.stop() },
    );
    tasks.push(task);
  }
  const scope = new Scope();
  for (const { producer } of tasks) scope.addProducer(producer);
  return { runner, scopes: [runner.scope, scope], takeOver: () => runner.takeOver(tasks) };
}
