/** The soft limit of open files in the limits of a process, proc_pid_limits(5): Infinity for none, undefined if absent. */
export function softOpenFiles(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+|unlimited)(?!\S)/m.exec(limits)?.[1];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
