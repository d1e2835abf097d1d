import type { TaskType } from '../task-type.ts';

/** Loads the types of tasks, by name. A type that no task uses is not loaded. A new one is one file and one line here. */
const TASK_TYPES: ReadonlyMap<string, () => Promise<TaskType>> = new Map([
  ['exec', async (): Promise<TaskType> => (await import('./exec.ts')).exec],
  ['dns', async (): Promise<TaskType> => (await import('./dns.ts')).dns],
  ['http', async (): Promise<TaskType> => (await import('./http.ts')).http],
  ['ping', async (): Promise<TaskType> => (await import('./ping.ts')).ping],
  ['tcp', async (): Promise<TaskType> => (await import('./tcp.ts')).tcp],
  ['udp', async (): Promise<TaskType> => (await import('./udp.ts')).udp],
]);

/** Every node collector is also a type. */
const NODE = 'node.';

/** The names of all types except node collectors. */
export const taskTypeNames: readonly string[] = [...TASK_TYPES.keys()];

/** Loads a type; undefined if there is none with that name. */
export async function loadTaskType(name: string): Promise<TaskType | undefined> {
  if (!name.startsWith(NODE)) return TASK_TYPES.get(name)?.();
  const { nodeTaskType } = await import('./node.ts');
  return nodeTaskType(name.slice(NODE.length));
}
