/** The environment of a command. */
export interface Io {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Everything on standard input. */
  readonly stdin: () => Promise<string>;
  readonly env: NodeJS.ProcessEnv;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Width of standard output: that of the terminal, otherwise 80; at least 40. */
  readonly columns: number;
  /** Whether to use colours: on a terminal, unless NO_COLOR is set or it is a dumb one. */
  readonly colours: boolean;
  /** Fires when the user or the system asks the process to stop. */
  readonly stop: AbortSignal;
  /** Fires `reload` when the user asks for the configuration to be read again. */
  readonly events: EventTarget;
}

/** One word of the command line. */
export interface Command {
  /** The output of `--help`. */
  readonly help: string;
  /**
   * Runs the command; returns the exit code. Throws UsageError or ConfigError for errors that the user has to correct.
   */
  run(args: readonly string[], io: Io): Promise<number>;
}

/** A command that is not loaded yet. */
export interface ListedCommand {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** An invalid command line; the process ends with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
