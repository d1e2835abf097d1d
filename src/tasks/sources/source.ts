import type { TaskInputs } from '../plan.ts';

/** What a source holds, as far as it could be read. */
export interface Content {
  readonly hash: string;
  readonly inputs: readonly TaskInputs[];
}

/** A place outside of the configuration file that tasks come from. */
export interface Source {
  /** As it is shown. */
  readonly name: string;
  /** Reads what there is at the start, without waiting for anybody. Throws SourceError or an Error. */
  first(): Content | undefined;
  /**
   * Follows it until {@link stop}. `offer` applies new content, or rejects and keeps the old; `failed` gets the reason
   * when there is none.
   */
  start(offer: (content: Content) => Promise<void>, failed: (cause: unknown) => void): void;
  stop(): void;
}
