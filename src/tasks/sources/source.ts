import type { TaskInputs } from '../plan.ts';

/** The content of a source, as far as it could be read. */
export interface Content {
  readonly hash: string;
  readonly inputs: readonly TaskInputs[];
  /** When it was read from the source, milliseconds since 1970; just now when unset. */
  readonly readMs?: number;
}

/** A source of tasks outside of the configuration file. */
export interface TaskListSource {
  /** Display name. */
  readonly name: string;
  /** Reads the content available at startup, without waiting for the network. Throws SourceError or an Error. */
  first(): Content | undefined;
  /**
   * Follows it until {@link stop}. `offer` applies new content, or rejects and keeps the old; `failed` gets the reason
   * when reading fails.
   */
  start(offer: (content: Content) => Promise<void>, failed: (cause: unknown) => void): void;
  stop(): void;
}
