import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Gauge, type Registry } from 'prom-client';
import type { Log } from '../base/log.ts';
import { ConfigError } from '../config/config-error.ts';
import type { Origin } from '../config/explain.ts';
import { nodeName } from '../config/identity.ts';
import { Host } from '../host/host.ts';
import type { Handler, RouteMethods, Routes } from '../http/message.ts';
import { collectorId } from '../status/collectors.ts';
import { type Disables, MAX_DISABLE_MS } from '../status/disables.ts';
import type { TaskApi, TaskRoute } from '../tasks/api.ts';
import type { TaskHost } from '../tasks/control.ts';
import type { Checked, TaskInputs, TaskPlan } from '../tasks/plan.ts';
import type { TaskSettings } from '../tasks/settings.ts';
import type { SourceSet, SourceView } from '../tasks/sources/source-set.ts';
import type { TaskRunner } from '../tasks/task-runner.ts';
import type { StoredTasks } from '../tasks/tasks-file.ts';
import type { Config } from './config.ts';

/** What the tasks need from the agent. */
interface TaskRoleWorld {
  readonly registry: Registry;
  readonly log: Log;
  readonly now: () => number;
  readonly config: () => Config;
  /** Runs `work` while no reload and no other change is in progress. */
  queue<T>(work: () => Promise<T>): Promise<T>;
  /** Switches to the current tasks; queued. Rejects with ConfigError. */
  readonly apply: () => Promise<void>;
  /** Runs the active tasks. */
  readonly runner: () => TaskRunner | undefined;
  readonly disables: Disables;
}

const MAX_BODY = 1024 * 1024;

/**
 * The tasks of all sources, as they change while the agent runs. Nothing of src/tasks is loaded before there is a task,
 * or a request for them.
 */
export class TaskRole {
  readonly #world: TaskRoleWorld;
  readonly #checked: Checked = new WeakMap();
  #stored: StoredTasks = [];
  #sources: SourceSet | undefined;
  /** Tasks of sources that are not active yet. */
  #offered: readonly TaskInputs[] | undefined;
  #wasUsed: boolean = false;
  #api: Promise<TaskApi> | undefined;

  constructor(world: TaskRoleWorld) {
    this.#world = world;
  }

  /** Reads the tasks of the API that an earlier process stored. */
  async start(): Promise<void> {
    const path = tasksFileOf(this.#world.config());
    if (path === undefined || !existsSync(path)) return;
    const { readTasks } = await import('../tasks/tasks-file.ts');
    const damaged = new Gauge({
      name: 'firesteel_tasks_file_damaged',
      help: '1 if the file with the tasks added through the API was unusable at startup.',
      registers: [this.#world.registry],
    });
    try {
      this.#stored = await readTasks(path);
    } catch (cause) {
      damaged.set(1);
      this.#world.log.error(
        { err: cause },
        'the file with the tasks added through the API cannot be used: starting without them',
      );
    }
  }

  /** The tasks of `config` and all other sources. Undefined if there have never been any. Throws ConfigError. */
  async plan(config: Config, origins: readonly Origin[]): Promise<readonly TaskSettings[] | undefined> {
    if (config.tasks.length > 0 || this.#stored.length > 0 || config.sources.length > 0) this.#wasUsed = true;
    if (!this.#wasUsed) return undefined;
    if (config.sources.length > 0) this.#sources ??= await this.#createSources(config);
    const others = this.#offered ?? this.#sources?.prepare(config.sources) ?? [];
    const plan = await this.#planOf(config, this.#stored, others, origins);
    const bad = plan.problems.filter(({ source }) => source === 'file');
    if (bad.length > 0) throw new ConfigError(bad.map(({ line }) => line));
    for (const { line } of plan.problems) this.#world.log.error({ problem: line }, 'task skipped');
    for (const { common, source } of plan.shadowed) {
      this.#world.log.warn({ task: common.id, source }, 'task skipped: another source defines the same id');
    }
    return plan.tasks;
  }

  /** The last plan is active. */
  takeOver(): void {
    if (this.#offered === undefined) this.#sources?.takeOver();
  }

  stop(): void {
    this.#sources?.stop();
  }

  /** State of the sources. */
  get sources(): readonly SourceView[] {
    return this.#sources?.views ?? [];
  }

  /** The routes below /v1/tasks. */
  get routes(): Routes {
    const at =
      (route: TaskRoute): Handler =>
      async (request) =>
        (await this.#loadApi())[route](request);
    const change = (endpoint: RouteMethods): RouteMethods => ({ atOnce: 8, maxBody: MAX_BODY, ...endpoint });
    return {
      '/v1/tasks': change({ GET: at('list'), POST: at('add'), PUT: at('replaceAll'), DELETE: at('removeAll') }),
      '/v1/tasks/{id}': change({ GET: at('show'), PUT: at('replace'), DELETE: at('remove') }),
      '/v1/tasks/{id}/run': change({ POST: at('run') }),
      '/v1/tasks/{id}/disable': change({ POST: at('disable') }),
      '/v1/tasks/{id}/enable': change({ POST: at('enable') }),
    };
  }

  #loadApi(): Promise<TaskApi> {
    this.#api ??= (async () => {
      const [{ taskApi }, { TaskControl }] = await Promise.all([
        import('../tasks/api.ts'),
        import('../tasks/control.ts'),
      ]);
      return taskApi(new TaskControl(this.#host()), { now: this.#world.now, maxTtlMs: MAX_DISABLE_MS });
    })();
    return this.#api;
  }

  #host(): TaskHost {
    const world = this.#world;
    const role = this;
    return {
      queue: (work) => world.queue(work),
      get stored() {
        return role.#stored;
      },
      plan: (stored) => this.#planOf(world.config(), stored, this.#sources?.inputs ?? [], []),
      commit: (stored) => this.#commit(stored),
      get isPersistent() {
        return tasksFileOf(world.config()) !== undefined;
      },
      get runner() {
        return world.runner();
      },
      disable: ({ producer }, ttlMs, reason) => world.disables.disable(collectorId(producer), ttlMs, reason),
      enable: ({ producer }) => world.disables.enable(collectorId(producer)),
    };
  }

  async #commit(stored: StoredTasks): Promise<void> {
    const before = this.#stored;
    const path = tasksFileOf(this.#world.config());
    const write = async (tasks: StoredTasks) => {
      if (path === undefined) return;
      const { writeTasks } = await import('../tasks/tasks-file.ts');
      await writeTasks(path, tasks);
    };
    await write(stored);
    this.#stored = stored;
    try {
      await this.#world.apply();
    } catch (cause) {
      this.#stored = before;
      await write(before);
      throw cause;
    }
  }

  async #createSources(config: Config): Promise<SourceSet> {
    const [{ SourceSet }, { SourceError }] = await Promise.all([
      import('../tasks/sources/source-set.ts'),
      import('../tasks/sources/document.ts'),
    ]);
    const { registry, log, now } = this.#world;
    return new SourceSet({
      registry,
      log,
      now,
      node: nodeName(config),
      cluster: config.cluster ?? '',
      folder: () => folderOf(this.#world.config()),
      change: (inputs, commit, changed) =>
        this.#world.queue(async () => {
          const next = inputs();
          const ours = new Set<unknown>(changed.flatMap(({ tasks }) => tasks));
          const plan = await this.#planOf(this.#world.config(), this.#stored, next, []);
          const bad = plan.problems.filter(({ input }) => input === undefined || ours.has(input));
          if (bad.length > 0) throw new SourceError(bad.map(({ line }) => line));
          this.#offered = next;
          try {
            await this.#world.apply();
            commit();
          } finally {
            this.#offered = undefined;
          }
        }),
    });
  }

  async #planOf(
    config: Config,
    stored: StoredTasks,
    others: readonly TaskInputs[],
    origins: readonly Origin[],
  ): Promise<TaskPlan> {
    const [{ planTasks }, { TaskMaker }] = await Promise.all([import('../tasks/plan.ts'), import('../tasks/make.ts')]);
    const { max, allowFromApi, denyAddresses } = config.taskRunner;
    const { log, now } = this.#world;
    const cluster = config.cluster ?? '';
    const host = new Host(config.paths);
    const maker = new TaskMaker({
      cluster,
      node: nodeName(config),
      host,
      now,
      log,
      pushIntervalMs: config.push.interval,
      denyAddresses,
      allowFromApi,
    });
    const inputs: TaskInputs[] = [
      { source: 'file', tasks: config.tasks, origins },
      ...others,
      { source: 'api', tasks: stored },
    ];
    try {
      return await planTasks(inputs, { max, allowFromApi, tryOut: (task) => void maker.bind(task) }, this.#checked);
    } finally {
      maker.close();
    }
  }
}

/** Where tasks of the API are stored: next to the other state. */
function tasksFileOf(config: Config): string | undefined {
  const folder = folderOf(config);
  // No exporter's folder of the spool begins with a dot.
  return folder && join(folder, config.http.stateFile === undefined ? '.tasks.json' : 'tasks.json');
}

/** Where this agent may store files. */
const folderOf = ({ http, spool }: Config): string | undefined =>
  http.stateFile === undefined ? spool.path : dirname(http.stateFile);
