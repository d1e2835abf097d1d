import { errorText } from '../base/error-text.ts';
import { type Origin, problemLine } from '../config/explain.ts';
import {
  checkTask,
  idOf,
  isRemote,
  TASK_SOURCES,
  type TaskProblem,
  type TaskSettings,
  type TaskSource,
} from './settings.ts';

/** Tasks of one origin, as specified. */
export interface TaskInputs {
  readonly source: TaskSource;
  readonly tasks: readonly unknown[];
  /** Returns the position of the value at a path below `tasks`. */
  readonly origins?: readonly Origin[];
  /** Prefix of the path in messages. */
  readonly prefix?: readonly PropertyKey[];
  /** Whether the text was verified with a hash from the configuration file. */
  readonly isPinned?: boolean;
}

/** Rules for all tasks. */
interface TaskRules {
  readonly max: number;
  readonly allowFromApi: readonly string[];
  /** Creates a task with these settings, only to check that it can be created. Throws an Error. */
  readonly tryOut: (settings: TaskSettings) => void;
}

/** The problem, also as a line with its position. */
interface PlacedProblem extends TaskProblem {
  readonly source: TaskSource;
  readonly line: string;
  /** The task as specified; undefined for a problem of all tasks together. */
  readonly input?: unknown;
}

/** The tasks of all sources. */
export interface TaskPlan {
  readonly tasks: readonly TaskSettings[];
  readonly problems: readonly PlacedProblem[];
  /** Tasks whose id exists in a source with precedence. */
  readonly shadowed: readonly TaskSettings[];
}

/** Tasks checked before, by their specification: a change of one task does not check all others again. */
export type Checked = WeakMap<object, { readonly rules: string; readonly settings: TaskSettings }>;

/** Checks the tasks of all sources. Tasks with problems are excluded. */
export async function planTasks(
  inputs: readonly TaskInputs[],
  rules: TaskRules,
  checked: Checked = new WeakMap(),
): Promise<TaskPlan> {
  const tasks = new Map<string, TaskSettings>();
  const problems: PlacedProblem[] = [];
  const shadowed: TaskSettings[] = [];
  const bySource = [...inputs].sort((a, b) => TASK_SOURCES.indexOf(a.source) - TASK_SOURCES.indexOf(b.source));
  for (const { source, tasks: given, origins = [], prefix = ['tasks'], isPinned = false } of bySource) {
    const add = (index: number, found: readonly TaskProblem[]) => {
      for (const problem of found) {
        const line = problemLine([...prefix, index, ...problem.path], named(problem), origins);
        problems.push({ ...problem, source, line, input: given[index] });
      }
    };
    for (const [index, input] of given.entries()) {
      const result = await checkOnce(input, { source, isPinned }, rules, checked);
      if ('problems' in result) {
        add(index, result.problems);
        continue;
      }
      const { settings } = result;
      const { id } = settings.common;
      const other = tasks.get(id);
      if (other === undefined) tasks.set(id, settings);
      else if (other.source === source) add(index, [{ id, path: ['id'], message: `duplicate task id ${id}` }]);
      else shadowed.push(settings);
    }
  }
  if (tasks.size > rules.max) {
    const message = `${tasks.size} tasks, but at most ${rules.max} are allowed: see taskRunner.max`;
    const source = [...tasks.values()].at(-1)?.source ?? 'file';
    problems.push({ id: '', path: [], message, source, line: `tasks: ${message}` });
  }
  return { tasks: [...tasks.values()], problems, shadowed };
}

async function checkOnce(
  input: unknown,
  { source, isPinned }: { readonly source: TaskSource; readonly isPinned: boolean },
  rules: TaskRules,
  checked: Checked,
) {
  const { allowFromApi, tryOut } = rules;
  const key = isRemote(source) ? `${source} ${allowFromApi.join(' ')}` : source;
  const known = typeof input === 'object' && input !== null ? checked.get(input) : undefined;
  if (known?.rules === key) return known;
  const result = await checkTask(input, source, allowFromApi, isPinned);
  if ('problems' in result) return result;
  try {
    tryOut(result.settings);
  } catch (cause) {
    return { problems: [{ id: idOf(input), path: [], message: errorText(cause) }] };
  }
  if (typeof input === 'object' && input !== null) checked.set(input, { rules: key, settings: result.settings });
  return result;
}

const named = ({ id, message }: TaskProblem): string => (id === '' ? message : `${message} (task ${id})`);
