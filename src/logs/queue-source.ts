import type { LogEntry, LogSourceName } from './entry.ts';
import type { EntryQueue } from './entry-queue.ts';
import type { EntryTarget, LogRead, LogSource, SavedPosition } from './source.ts';

/** A source of entries that are not in any file: they wait in a queue on disk until they are acknowledged. */
export class QueueSource implements LogSource {
  readonly name: LogSourceName;
  readonly #queue: EntryQueue;
  readonly #end: () => void;
  #isNew: boolean;

  /**
   * `subscribe` gets a function for each entry and one for the number of dropped ones, and returns a function that ends
   * it.
   */
  constructor(
    name: LogSourceName,
    queue: EntryQueue,
    saved: SavedPosition | undefined,
    redact: ((entry: LogEntry) => LogEntry) | undefined,
    subscribe: (take: (entry: LogEntry) => void, onDropped: (entries: number) => void) => () => void,
  ) {
    this.name = name;
    this.#queue = queue;
    this.#isNew = saved === undefined;
    this.#end = subscribe(
      (entry) => queue.append(redact === undefined ? entry : redact(entry)),
      (entries) => queue.missed(entries),
    );
  }

  get lost(): Readonly<Record<string, number>> {
    return { ...this.#queue.lost };
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  async read(target: EntryTarget): Promise<LogRead | undefined> {
    if (!this.#isNew) return this.#queue.read(target);
    this.#isNew = false;
    return { position: this.#queue.position, isDrained: false };
  }

  more(signal: AbortSignal): Promise<void> {
    return this.#queue.more(signal);
  }

  acknowledged(position: string): void {
    this.#queue.acknowledged(position);
  }

  async close(): Promise<void> {
    this.#end();
    await this.#queue.close();
  }
}
