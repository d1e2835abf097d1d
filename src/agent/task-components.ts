import { sleep } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { nodeCollectorNames } from '../collectors/node/index.ts';
import { nodeName } from '../config/identity.ts';
import type { Host } from '../host/host.ts';
import { Scope } from '../metrics/scope.ts';
import { Frame, type FrameWorld } from '../tasks/frame.ts';
import { labelledTasks } from '../tasks/labelled-tasks.ts';
import { TaskMaker } from '../tasks/make.ts';
import type { TaskSettings } from '../tasks/settings.ts';
import type { Task } from '../tasks/task.ts';
import type { Components } from './components.ts';
import type { Config } from './config.ts';

/** Time for aborted runs to end: enough for SIGTERM and SIGKILL of a program. */
const END_MS = 3000;

/** What creating tasks needs. */
interface TaskComponentsWorld extends FrameWorld {
  readonly host: Host;
  readonly now: () => number;
  readonly log: Log;
}

/** The tasks of a configuration. */
export interface TaskComponents {
  readonly frame: Frame;
  readonly scopes: readonly Scope[];
  /** Makes these tasks the active ones of the frame. */
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
  const runner = { pushIntervalMs, concurrency, denyAddresses, allowFromApi, paths, cluster, node };
  const { frame, maker } = await components.take(
    'taskRunner',
    runner,
    () => {
      const { host, now, log } = world;
      return {
        frame: new Frame(concurrency, world),
        maker: new TaskMaker({ cluster, node, host, now, log, pushIntervalMs, denyAddresses, allowFromApi }),
      };
    },
    {
      async stop(made) {
        made.frame.schedule.stop();
        made.maker.close();
        await Promise.race([made.frame.ended(), sleep(END_MS, undefined, { ref: false })]);
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
      { input: settings.input, source: settings.source, isLabelled, runner },
      (replaced: Task | undefined) => maker.make(settings, frame, isLabelled, replaced),
      { start: (made) => made.start(), stop: (made) => made.stop() },
    );
    tasks.push(task);
  }
  const scope = new Scope();
  for (const { producer } of tasks) scope.addProducer(producer);
  return { frame, scopes: [frame.scope, scope], takeOver: () => frame.takeOver(tasks) };
}
