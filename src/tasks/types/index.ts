import type { TaskType } from '../task-type.ts';

/** Loads the types of tasks, by name. A type that no task uses is not loaded. A new one is one file and one line here. */
const TASK_TYPES: ReadonlyMap<string, () => Promise<TaskType>> = new Map([
  ['http', async (): Promise<TaskType> => (await import('./http.ts')).http],
]);

/** Every node collector is a type as well. */
const NODE = 'node.';

/** The names of all types but those of node collectors. */
export const taskTypeNames: readonly string[] = [...TASK_TYPES.keys()];

/** Loads a type; undefined when there is none of that name. */
export async function loadTaskType(name: string): Promise<TaskType | undefined> {
  if (!name.startsWith(NODE)) return TASK_TYPES.get(name)?.();
  const { nodeTaskType } = await import('./node.ts');
  return nodeTaskType(name.slice(NODE.length));
}
