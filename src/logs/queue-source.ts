import { join } from 'node:path';
import type { LogEntry, LogSourceName } from './entry.ts';
import { EntryQueue } from './entry-queue.ts';
import type { Feed } from './feed.ts';
import { redactor } from './redact.ts';
import type { EntryTarget, LogRead, LogSource, LogSourceType, SavedPosition } from './source.ts';
import type { LogWorld } from './world.ts';

/** How the items of a feed become entries. */
interface FeedOptions<Item> {
  readonly name: LogSourceName;
  /** What the items are, for messages. */
  readonly items: string;
  readonly feed: Feed<Item> | undefined;
  /** Called once for each lane; returns what makes an entry of an item. */
  readonly entries: () => (item: Item) => LogEntry;
}

/** The items of a feed; they are in no file, so they wait in a queue on disk until they are acknowledged. */
export const feedSource = <Item>(
  { logs }: LogWorld,
  { name, items, feed, entries }: FeedOptions<Item>,
): LogSourceType => ({
  name,
  async open(saved, folder, receiver) {
    if (folder === undefined) throw new Error(`${items} can be shipped only with spool.path`);
    if (feed === undefined) throw new Error(`BUG: no ${items}`);
    const queue = await EntryQueue.open(join(folder, `${name}-queue`), name, saved);
    const entryOf = entries();
    return new QueueSource(name, queue, saved, redactor(logs.redact), (take, onDropped) =>
      feed.subscribe(receiver, (item) => take(entryOf(item)), onDropped),
    );
  },
});

/** A source of entries that are not in any file: they wait in a queue on disk until they are acknowledged. */
class QueueSource implements LogSource {
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
