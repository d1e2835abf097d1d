import type { Log } from '../base/log.ts';
import type { Host } from '../host/host.ts';
import { DeniedAddresses } from '../net/denied.ts';
import { Names, type NamesWorld } from '../net/names.ts';
import { firstInMs, offsetOf } from './schedule.ts';
import { isRemote, type TaskSettings } from './settings.ts';
import { Task } from './task.ts';
import type { TaskRunner } from './task-runner.ts';
import type { TaskGroup, TaskRun } from './task-type.ts';

/** What creating a task needs in addition to its settings. */
interface MakeWorld {
  readonly cluster: string;
  readonly node: string;
  readonly host: Host;
  readonly now: () => number;
  readonly log: Log;
  /** How often results are pushed, milliseconds. */
  readonly pushIntervalMs: number;
  readonly denyAddresses: readonly string[];
  readonly allowFromApi: readonly string[];
  /** How names are resolved; with the system's resolver when unset. */
  readonly names?: Partial<NamesWorld>;
}

/** The label `job` of groups whose lines carry their identity; a scrape's is its id. */
export const JOBS: Readonly<Partial<Record<TaskGroup, string>>> = { probe: 'blackbox-exporter' };

/** Tasks from the API or a URL must not give access to services that only this host can reach. */
const INNER = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '::/128', '::1/128', 'fe80::/10'];

/** Makes tasks. */
export class TaskMaker {
  readonly #world: MakeWorld;
  readonly #names: Names;
  readonly #denied: DeniedAddresses;
  readonly #deniedFromApi: DeniedAddresses;

  /** Throws an Error for an invalid address range. */
  constructor(world: MakeWorld) {
    this.#world = world;
    this.#names = new Names({ mostNames: MAX_NAMES, ...world.names });
    this.#denied = new DeniedAddresses(world.denyAddresses);
    this.#deniedFromApi = new DeniedAddresses(world.denyAddresses, INNER);
  }

  /** Binds a type to the world. Throws an Error when the options can't work here. */
  bind({ common, type, options, source }: TaskSettings): TaskRun {
    const { host, now, log, node, allowFromApi, pushIntervalMs } = this.#world;
    const isOpen = !isRemote(source) || allowFromApi.includes(type.name);
    return type.create(
      {
        id: common.id,
        job: common.job ?? JOBS[type.group] ?? common.id,
        timeoutMs: common.timeout,
        intervalMs: common.interval,
        pushIntervalMs,
        now,
        log: log.child({ task: common.id }),
        host,
        node,
        names: this.#names,
        denied: isOpen ? this.#denied : this.#deniedFromApi,
      },
      options,
    );
  }

  /** A task of these settings. `isLabelled`: its series get the label `task`, because others emit the same families. */
  make(settings: TaskSettings, runner: TaskRunner, isLabelled: boolean, replaced: Task | undefined): Task {
    const { cluster, node, log } = this.#world;
    const { id, interval, labels } = settings.common;
    const offsetMs = settings.common.offset ?? offsetOf(cluster, node, id, interval);
    return new Task(settings, {
      runner,
      run: this.bind(settings),
      labels: { ...labels, ...(isLabelled && { task: id }) },
      offsetMs,
      firstInMs: settings.common.offset === undefined ? firstInMs(interval, offsetMs) : undefined,
      log,
      replaced,
    });
  }

  close(): void {
    this.#names.close();
  }
}

/** Enough for the targets of a thousand tasks. */
const MAX_NAMES = 2000;
