/** Result of the last run. */
export interface LastRun {
  /** When it began, milliseconds since 1970. */
  readonly startedMs: number;
  readonly result: string;
  readonly durationSeconds: number;
  readonly series: number;
  /** Why it failed. */
  readonly error?: string;
  /** The end of what it printed, of runs on demand. */
  readonly output?: string;
}

/** A run on demand. */
export interface RunRequest {
  readonly params: Readonly<Record<string, string>>;
  /** Instead of the task's own, milliseconds. */
  readonly timeoutMs?: number | undefined;
}
