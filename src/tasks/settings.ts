import * as z from 'zod';
import { isMapping } from '../base/records.ts';
import { type Explained, explained } from '../config/explain.ts';
import { nearest } from '../config/nearest.ts';
import { type CommonTaskOptions, commonTaskOptions } from '../config/tasks-section.ts';
import { durationText } from '../config/units.ts';
import type { TaskType } from './task-type.ts';
import { loadTaskType, taskTypeNames } from './types/index.ts';

/**
 * Where tasks come from, highest precedence first: an id is refused from a source if one with higher precedence has it.
 */
export const TASK_SOURCES = ['file', 'directory', 'url', 'api'] as const;
export type TaskSource = (typeof TASK_SOURCES)[number];

/** A task whose settings are checked. Equal ones produce the same task. */
export interface TaskSettings {
  readonly common: Omit<CommonTaskOptions, 'timeout' | 'deadline'> & {
    readonly timeout: number;
    readonly deadline: number;
  };
  readonly type: TaskType;
  /** The options of the type, checked. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly source: TaskSource;
  /** As specified. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** A problem of a task. The path is relative to the task. */
export interface TaskProblem extends Explained {
  /** Empty if the task has no valid one. */
  readonly id: string;
}

/** Maximum default timeout of a task, milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;
const GRACE_MS = 1000;
const SHORTEST_MS = 1000;

/** Checks the specification of one task. Loads its type. */
export async function checkTask(
  input: unknown,
  source: TaskSource,
  allowFromApi: readonly string[],
  isPinned = false,
): Promise<{ readonly settings: TaskSettings } | { readonly problems: readonly TaskProblem[] }> {
  const id = idOf(input);
  const wrong = (path: readonly PropertyKey[], message: string) => ({ problems: [{ id, path, message }] });
  if (!isMapping(input)) return wrong([], 'expected a mapping with id and type');
  if (typeof input.type !== 'string') return wrong(['type'], 'is required');
  const type = await loadTaskType(input.type);
  if (type === undefined) {
    const guess = nearest(input.type.slice(0, 80), taskTypeNames);
    const known =
      guess === undefined ? `; known: ${taskTypeNames.join(', ')}, node.COLLECTOR` : `; did you mean ${guess}?`;
    return wrong(['type'], `there is no type ${JSON.stringify(input.type.slice(0, 80))}${known}`);
  }
  if (type.risky && isRemote(source) && !(source === 'url' ? isPinned : allowFromApi.includes(type.name))) {
    const refused =
      source === 'url'
        ? 'from a URL only if its source has sha256'
        : 'through the API only if taskRunner.allowFromApi names it';
    return wrong(
      ['type'],
      `${type.name} is accepted ${refused}; the configuration file and folders may always define it`,
    );
  }
  const parts = split(input);
  const common = commonTaskOptions.safeParse(parts.common, { reportInput: true });
  const options = type.options.safeParse(parts.options, { reportInput: true });
  if (!common.success || !options.success) {
    const shape = z.toJSONSchema(z.object({ ...commonTaskOptions.shape, ...type.options.shape }), {
      io: 'input',
      unrepresentable: 'any',
    });
    const issues = [...(common.error?.issues ?? []), ...(options.error?.issues ?? [])];
    return {
      problems: issues.flatMap((issue) => explained(issue, { input, shape })).map((problem) => ({ id, ...problem })),
    };
  }
  const problems = oddities(common.data, type).map((problem) => ({ id, ...problem }));
  if (problems.length > 0) return { problems };
  const { interval } = common.data;
  const timeout = common.data.timeout ?? (interval === 0 ? DEFAULT_TIMEOUT_MS : Math.min(DEFAULT_TIMEOUT_MS, interval));
  const most = interval === 0 ? Number.POSITIVE_INFINITY : interval;
  // A type that needs time to end its runs gets it, even beyond the interval: the next run waits.
  const deadline =
    common.data.deadline ?? (type.graceMs === undefined ? Math.min(most, timeout + GRACE_MS) : timeout + type.graceMs);
  return { settings: { common: { ...common.data, timeout, deadline }, type, options: options.data, source, input } };
}

/** Whether the tasks of a source may come from someone who cannot change the configuration file. */
export const isRemote = (source: TaskSource): boolean => source === 'api' || source === 'url';

/** The id of a task as specified, for messages. */
export const idOf = (input: unknown): string =>
  isMapping(input) && typeof input.id === 'string' ? input.id.slice(0, 64) : '';

/** The common options of all tasks, and those of the type. */
function split(input: Record<string, unknown>) {
  const known = new Set(Object.keys(commonTaskOptions.shape));
  const of = (isCommon: boolean) => Object.entries(input).filter(([name]) => known.has(name) === isCommon);
  return { common: Object.fromEntries(of(true)), options: Object.fromEntries(of(false)) };
}

/** Conflicts between options. */
function oddities({ interval, timeout, deadline, offset, labels }: CommonTaskOptions, type: TaskType): Explained[] {
  const found: Explained[] = [];
  const refuse = (name: string, message: string) => found.push({ path: name.split('/'), message });
  if (interval === 0 && !type.onDemand) refuse('interval', `must be at least ${durationText(SHORTEST_MS)}`);
  if (interval > 0 && interval < SHORTEST_MS) refuse('interval', `must be at least ${durationText(SHORTEST_MS)}`);
  const isAbove = (value: number | undefined) => interval > 0 && value !== undefined && value > interval;
  if (isAbove(timeout)) refuse('timeout', `must be at most the interval, ${durationText(interval)}`);
  if (isAbove(deadline)) refuse('deadline', `must be at most the interval, ${durationText(interval)}`);
  if (deadline !== undefined && deadline < (timeout ?? 0)) refuse('deadline', 'must be at least the timeout');
  if (offset !== undefined && offset >= Math.max(interval, 1)) refuse('offset', 'must be less than the interval');
  for (const name of Object.keys(labels)) {
    const family = type.families.find((each) => each.labels.includes(name));
    if (family) refuse(`labels/${name}`, `${family.name} has a label of this name: choose another name`);
  }
  return found;
}
