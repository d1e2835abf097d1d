import { isDeepStrictEqual } from 'node:util';
import type { LastRun, RunRequest } from './last-run.ts';
import type { TaskPlan } from './plan.ts';
import { idOf, type TaskProblem } from './settings.ts';
import type { Task } from './task.ts';
import type { TaskRunner } from './task-runner.ts';
import type { StoredTasks } from './tasks-file.ts';

/** What the control of tasks needs from the agent. */
export interface TaskHost {
  /** Runs `work` while no reload and no other change is in progress. */
  queue<T>(work: () => Promise<T>): Promise<T>;
  /** The tasks added through the API, as specified. */
  readonly stored: StoredTasks;
  /** The plan with these API tasks instead of the stored ones. */
  plan(stored: StoredTasks): Promise<TaskPlan>;
  /** Stores and activates them. Changes nothing on failure. */
  commit(stored: StoredTasks): Promise<void>;
  /** Whether they survive a restart. */
  readonly isPersistent: boolean;
  /** Runs the active tasks; undefined if there have never been any. */
  readonly runner: TaskRunner | undefined;
  /** Disables a task temporarily, or enables it again; resolves when that is on disk. */
  disable(task: Task, ttlMs: number, reason: string): Promise<void>;
  enable(task: Task): Promise<void>;
}

/** The response to a change: HTTP status and body. */
export interface Changed {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Options of a change. */
interface ChangeOptions {
  /** Only reports what would be done. */
  readonly dryRun: boolean;
  /** Existing tasks with equal settings are not a conflict. */
  readonly keepEqual: boolean;
}

/** Concurrent runs on demand. */
const MAX_ON_DEMAND = 2;

/** Adds, replaces and removes tasks of the API: all of a request, or none. */
export class TaskControl {
  readonly #host: TaskHost;
  /** On-demand runs in progress. */
  #onDemand = 0;

  constructor(host: TaskHost) {
    this.#host = host;
  }

  get tasks(): readonly Task[] {
    return (this.#host.runner?.tasks ?? []).toSorted((one, other) => (one.id < other.id ? -1 : 1));
  }

  find(id: string): Task | undefined {
    return this.tasks.find((task) => task.id === id);
  }

  add(inputs: StoredTasks, { dryRun, keepEqual }: ChangeOptions): Promise<Changed> {
    return this.#host.queue(async () => {
      const { stored } = this.#host;
      const known = new Map(stored.map((task) => [idOf(task), task]));
      const isKept = (task: StoredTasks[number]) => keepEqual && isDeepStrictEqual(known.get(idOf(task)), task);
      const unchanged = inputs.filter(isKept);
      const fresh = inputs.filter((task) => !isKept(task));
      const conflicts = fresh.map(idOf).filter((id) => id !== '' && (known.has(id) || this.find(id) !== undefined));
      if (conflicts.length > 0) return this.#conflict(conflicts, fresh);
      const isSame = fresh.length === 0;
      return this.#change([...stored, ...fresh], dryRun, isSame ? 200 : 201, {
        added: fresh.map(idOf),
        unchanged: unchanged.map(idOf),
      });
    });
  }

  /** Replaces one task. */
  replace(id: string, input: StoredTasks[number], { dryRun }: ChangeOptions): Promise<Changed> {
    return this.#host.queue(async () => {
      const { stored } = this.#host;
      if (idOf(input) !== id) return { status: 422, body: { error: `the id in the body is not ${id}` } };
      const refused = this.#notOurs([id]);
      if (refused) return refused;
      const before = stored.find((task) => idOf(task) === id);
      if (isDeepStrictEqual(before, input)) return { status: 200, body: { changed: [], unchanged: [id] } };
      const next = stored.map((task) => (task === before ? input : task));
      return this.#change(next, dryRun, 200, { changed: [id], unchanged: [] });
    });
  }

  /** Replaces all tasks of the API. */
  replaceAll(inputs: StoredTasks, { dryRun }: ChangeOptions): Promise<Changed> {
    return this.#host.queue(async () => {
      const known = new Map(this.#host.stored.map((task) => [idOf(task), task]));
      const given = new Set(inputs.map(idOf));
      const others = inputs.map(idOf).filter((id) => !known.has(id) && this.find(id) !== undefined);
      if (others.length > 0) {
        return { status: 409, body: { error: 'tasks of other sources have these ids', conflicts: others } };
      }
      const isEqual = (task: StoredTasks[number]) => isDeepStrictEqual(known.get(idOf(task)), task);
      const body = {
        added: inputs.filter((task) => !known.has(idOf(task))).map(idOf),
        changed: inputs.filter((task) => known.has(idOf(task)) && !isEqual(task)).map(idOf),
        removed: [...known.keys()].filter((id) => !given.has(id)),
        unchanged: inputs.filter(isEqual).map(idOf),
      };
      // An unchanged object is not checked again.
      const next = inputs.map((task) => (isEqual(task) ? (known.get(idOf(task)) ?? task) : task));
      return this.#change(next, dryRun, 200, body);
    });
  }

  /** Removes tasks; resolves when their runs have ended, or the deadlines of these have passed. */
  async remove(ids: readonly string[], { dryRun }: ChangeOptions): Promise<Changed> {
    const gone = new Set(ids);
    const changed = await this.#host.queue(async () => {
      const refused = this.#notOurs([...gone]);
      if (refused) return refused;
      const next = this.#host.stored.filter((task) => !gone.has(idOf(task)));
      return this.#change(next, dryRun, 200, { removed: [...gone] });
    });
    if (changed.status === 200 && !dryRun) await this.#host.runner?.ended(gone);
    return changed;
  }

  /**
   * Runs a task now. `many`: too many such runs are in progress; a text gives the reason why it can't be run this way.
   */
  async runNow(
    id: string,
    request: RunRequest,
  ): Promise<LastRun | 'busy' | 'many' | { readonly refused: string } | undefined> {
    const task = this.find(id);
    if (task === undefined) return undefined;
    const refused = task.checkCall(request.params);
    if (refused !== undefined) return { refused };
    if (this.#onDemand >= MAX_ON_DEMAND) return 'many';
    this.#onDemand++;
    try {
      return await task.runNow(request);
    } finally {
      this.#onDemand--;
    }
  }

  async disable(id: string, ttlMs: number, reason: string): Promise<Task | undefined> {
    const task = this.find(id);
    if (task) await this.#host.disable(task, ttlMs, reason);
    return task;
  }

  async enable(id: string): Promise<Task | undefined> {
    const task = this.find(id);
    if (task) await this.#host.enable(task);
    return task;
  }

  /** Reports ids that already exist and their sources, and all other problems of these tasks. */
  async #conflict(conflicts: readonly string[], fresh: StoredTasks): Promise<Changed> {
    const ids = new Set(fresh.map(idOf));
    const rest = this.#host.stored.filter((task) => !ids.has(idOf(task)));
    const { problems } = await this.#host.plan([...rest, ...fresh]);
    const ours = problems.filter(({ source, id }) => source === 'api' && (id === '' || ids.has(id)));
    const sources = Object.fromEntries(conflicts.map((id) => [id, this.find(id)?.settings.source ?? 'api']));
    const error = 'tasks with these ids already exist: remove or replace them, or use other ids';
    return {
      status: 409,
      body: { error, conflicts, sources, ...(ours.length > 0 && { problems: ours.map(problemView) }) },
    };
  }

  /** Why these can't be changed here: they do not exist, or belong to another source. */
  #notOurs(ids: readonly string[]): Changed | undefined {
    const stored = new Set(this.#host.stored.map(idOf));
    const missing = ids.filter((id) => !stored.has(id));
    if (missing.length === 0) return undefined;
    const elsewhere = missing.filter((id) => this.find(id) !== undefined);
    const unknown = missing.filter((id) => !elsewhere.includes(id));
    if (unknown.length > 0) return { status: 404, body: { error: 'no tasks have these ids', unknown } };
    const sources = Object.fromEntries(elsewhere.map((id) => [id, this.find(id)?.settings.source]));
    return { status: 409, body: { error: 'these tasks come from other sources: change them there', sources } };
  }

  async #change(next: StoredTasks, dryRun: boolean, status: number, body: Changed['body']): Promise<Changed> {
    const { runner } = this.#host;
    const { problems, shadowed } = await this.#host.plan(next);
    const ours = problems.filter(({ source, id }) => source === 'api' || id === '');
    if (ours.length > 0) {
      runner?.changed('refused', 'api');
      const isRisky = ours.every(isRisk);
      return { status: isRisky ? 403 : 422, body: { error: 'nothing was changed', problems: ours.map(problemView) } };
    }
    const hidden = shadowed.filter(({ source }) => source === 'api').map(({ common }) => common.id);
    if (hidden.length > 0) {
      return { status: 409, body: { error: 'tasks of other sources have these ids', conflicts: hidden } };
    }
    if (!dryRun) await this.#host.commit(next);
    return { status, body: { ...body, ...(dryRun ? { dryRun } : { persisted: this.#host.isPersistent }) } };
  }
}

const isRisk = ({ path, message }: TaskProblem): boolean => path[0] === 'type' && message.includes('allowFromApi');

const problemView = ({ id, path, message }: TaskProblem) => ({ id, path: path.map(String).join('.'), message });
