import { Turns } from '../../base/turns.ts';
import { CurrentFields } from '../../host/journal/current-fields.ts';
import { Journal, type Start } from '../../host/journal/journal.ts';
import type { JournalPosition } from '../../host/journal/position.ts';
import { NoData } from '../../metrics/outcome.ts';
import type { LogState } from './state.ts';

/** An entry of the journal as consumers see it. */
export interface JournalRecord {
  /** Microseconds since 1970. */
  readonly realtime: number;
  readonly bootId: string;
  /** The value of a field; undefined if the entry lacks it, or no consumer requested it. */
  get(name: string): string | undefined;
  /** Bytes of a field's value; 0 without it. */
  bytes(name: string): number;
}

interface FeedOptions {
  readonly paths: readonly string[];
  readonly start: 'cursor' | 'now' | 'boot';
  /** Without a position: maximum age of entries to read, milliseconds. */
  readonly maxAge: number;
  /** Maximum number of entries per run. */
  readonly budget: number;
}

/** A consumer of all entries. */
interface Consumer {
  /** Resumes from the saved state; awaited before the first entry, and cheap from then on. */
  prepare(): Promise<void>;
  consume(entry: JournalRecord): void;
}

interface FeedWorld {
  readonly state: LogState;
  readonly now: () => number;
  readonly bootId: () => string | undefined;
}

class CurrentEntry extends CurrentFields implements JournalRecord {
  realtime = 0;
  bootId = '';

  bytes(name: string): number {
    for (const field of this.fields) if (field.name === name) return field.latin1.length;
    return 0;
  }
}

/** Entries read between checks of the clock. */
const STEP = 64;

/**
 * The journal for several collectors: it is read once, and each collector receives every entry. Its position is saved
 * with their counts, in the state's section `journal`.
 */
export class JournalFeed {
  readonly #options: FeedOptions;
  readonly #world: FeedWorld;
  readonly #wanted = new Set<string>();
  readonly #consumers: Consumer[] = [];
  readonly #entry = new CurrentEntry();
  #journal: Journal | undefined;
  #opening: Promise<Journal> | undefined;
  #running: Promise<void> | undefined;
  /** Entries of the last run if it used up the budget; 0 if everything was read. */
  #overBudget = 0;
  #found = 0;
  #wasThere: boolean = false;
  #problems: readonly Error[] = [];

  constructor(options: FeedOptions, world: FeedWorld) {
    this.#options = options;
    this.#world = world;
  }

  /**
   * Registers a consumer for every entry with these fields, from the first one on: to be called before any
   * {@link pump}.
   */
  subscribe(fields: Iterable<string>, consumer: Consumer): void {
    for (const field of fields) this.#wanted.add(field);
    this.#consumers.push(consumer);
  }

  /** Whether any journal file exists. */
  get isThere(): boolean {
    return this.#found > 0;
  }

  /** Read failures of the last scan. */
  get problems(): readonly Error[] {
    return this.#problems;
  }

  /** Lost entries. */
  get lost() {
    return this.#journal?.lost ?? { rotated: 0, corrupt: 0, unreadable: 0 };
  }

  /** Age in seconds of the last entry read, while more are pending; otherwise 0. */
  get lagSeconds(): number {
    const last = this.#journal?.lastRealtime;
    return this.#overBudget > 0 && last !== undefined ? Math.max(0, this.#world.now() / 1000 - last / 1e6) : 0;
  }

  /**
   * Reads new entries, at most the budget, yielding to the event loop; several callers share one run. Rejects with
   * NoData if there is no journal, with an Error if it is entirely unreadable, and with the reason of `signal`.
   */
  async pump(signal: AbortSignal): Promise<void> {
    this.#running ??= this.#run(signal).finally(() => {
      this.#running = undefined;
    });
    await this.#running;
    if (this.#found > 0) this.#wasThere = true;
    if (this.#found > 0) return;
    const [problem] = this.#problems;
    if (problem !== undefined) throw problem;
    // All files may be removed; if counts vanished then, they would return as new ones.
    if (this.#wasThere) return;
    throw new NoData(
      `no journal found in ${this.#options.paths.join(' or ')}; mount it, or set collectors.journal.paths`,
    );
  }

  async #run(signal: AbortSignal): Promise<void> {
    // A save must not store a position that is ahead of counts not yet restored.
    for (const { prepare } of this.#consumers) await prepare();
    this.#opening ??= this.#open();
    const journal = await this.#opening;
    const turns = new Turns(signal);
    const { found, problems } = journal.scan();
    this.#problems = problems;
    this.#found = found - problems.filter(({ cause }) => cause !== undefined).length;
    let read = 0;
    this.#overBudget = 0;
    for (;;) {
      if (read >= this.#options.budget) {
        this.#overBudget = read;
        return;
      }
      const next = journal.next();
      if (next === undefined) return;
      this.#entry.realtime = next.entry.realtime;
      this.#entry.bootId = next.entry.bootId;
      this.#entry.fields = next.fields;
      for (const consumer of this.#consumers) consumer.consume(this.#entry);
      if (++read % STEP === 0 && turns.isOver) await turns.next();
    }
  }

  async #open(): Promise<Journal> {
    const { state } = this.#world;
    const dump = () => this.#journal && { position: this.#journal.position(), lost: this.#journal.lost };
    const saved = (await state.take('journal', { dump, release: () => this.#journal?.close() })) as Saved | undefined;
    const { paths } = this.#options;
    const position = this.#options.start === 'now' ? undefined : saved?.position;
    const journal = new Journal({ paths, wanted: this.#wanted, start: this.#start(), position });
    if (saved !== undefined) Object.assign(journal.lost, saved.lost);
    this.#journal = journal;
    return journal;
  }

  #start(): Start {
    const { start, maxAge } = this.#options;
    if (start !== 'boot') return 'now';
    const bootId = this.#world.bootId();
    const sinceRealtime = (this.#world.now() - maxAge) * 1000;
    return bootId === undefined ? { sinceRealtime } : { sinceRealtime, bootId };
  }
}

interface Saved {
  readonly position: JournalPosition;
  readonly lost: Journal['lost'];
}
