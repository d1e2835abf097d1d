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

/** Tasks of one origin, as they were given. */
export interface TaskInputs {
  readonly source: TaskSource;
  readonly tasks: readonly unknown[];
  /** Tell where the value at a path below `tasks` was given. */
  readonly origins?: readonly Origin[];
  /** What stands before the path in messages. */
  readonly prefix?: readonly PropertyKey[];
  /** Whether the text was compared with a hash of the configuration file. */
  readonly isPinned?: boolean;
}

/** Rules that hold for all tasks. */
interface TaskRules {
  readonly max: number;
  readonly allowFromApi: readonly string[];
  /** Makes a task of these settings, only to see whether it can be made. Throws an Error. */
  readonly tryOut: (settings: TaskSettings) => void;
}

/** What is wrong, also as a line with its place. */
interface PlacedProblem extends TaskProblem {
  readonly source: TaskSource;
  readonly line: string;
  /** The task as it was given; undefined for what is wrong with all of them together. */
  readonly input?: unknown;
}

/** The tasks of all sources. */
export interface TaskPlan {
  readonly tasks: readonly TaskSettings[];
  readonly problems: readonly PlacedProblem[];
  /** Tasks whose id a stronger source has. */
  readonly shadowed: readonly TaskSettings[];
}

/** Tasks that were checked before, by what they were given as: a change of one task does not check all others again. */
export type Checked = WeakMap<object, { readonly rules: string; readonly settings: TaskSettings }>;

/** Checks the tasks of all sources. None of those with problems is among the tasks. */
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
    const message = cause instanceof Error ? cause.message : String(cause);
    return { problems: [{ id: idOf(input), path: [], message }] };
  }
  if (typeof input === 'object' && input !== null) checked.set(input, { rules: key, settings: result.settings });
  return result;
}

const named = ({ id, message }: TaskProblem): string => (id === '' ? message : `${message} (task ${id})`);
