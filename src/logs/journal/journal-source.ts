import { Turns } from '../../base/turns.ts';
import type { LogsSection } from '../../config/logs-section.ts';
import { bootIdOf } from '../../host/boot-id.ts';
import { CurrentFields } from '../../host/journal/current-fields.ts';
import { Journal, type Start } from '../../host/journal/journal.ts';
import type { JournalPosition } from '../../host/journal/position.ts';
import type { LogSourceName } from '../entry.ts';
import type { EntryTarget, LogRead, LogSource, LogSourceType, SavedPosition } from '../source.ts';
import type { LogWorld } from '../world.ts';
import { journalFilter } from './filter.ts';
import { JournalEntry } from './journal-entry.ts';
import { JournalLabels } from './labels.ts';

/** Entries read between checks of the clock. */
const STEP = 32;
/** How often to look for files while entries are read or pending, milliseconds. */
const SCAN_MS = 1000;

/** The part of the journal to read. */
type ShippingOptions = Omit<LogsSection['journal'], 'enabled'>;

/** The journal of this host. */
export const journalSource = (world: LogWorld): LogSourceType => ({
  name: 'journal',
  open: (saved) => {
    const { journal, kernel } = world.logs;
    return new JournalSource('journal', world, journal, saved, kernel.enabled ? 'kernel' : undefined);
  },
});

/** The journal, read forward: its files are the queue, nothing is copied. */
export class JournalSource implements LogSource {
  readonly name: LogSourceName;
  readonly #world: LogWorld;
  readonly #options: ShippingOptions;
  readonly #journal: Journal;
  readonly #passes: ReturnType<typeof journalFilter>;
  readonly #labels: JournalLabels;
  readonly #current = new CurrentFields();
  #scannedAtMs = Number.NEGATIVE_INFINITY;
  #isNew: boolean;
  #isDrained: boolean = true;
  #problems: readonly Error[] = [];
  /** Fields that were lost before this start. */
  readonly #lostFields: number;
  #found = 0;

  /** `without`: an excluded transport. */
  constructor(
    name: LogSourceName,
    world: LogWorld,
    options: ShippingOptions,
    saved: SavedPosition | undefined,
    without?: string,
  ) {
    const { paths } = options;
    this.name = name;
    this.#options = options;
    const position: JournalPosition | undefined = saved && JSON.parse(saved.position);
    this.#world = world;
    this.#journal = new Journal({ paths, start: this.#start(), leavesDeleted: true, position });
    const { fields = 0, ...lost } = saved?.lost ?? {};
    Object.assign(this.#journal.lost, lost);
    this.#lostFields = fields;
    this.#isNew = saved === undefined;
    this.#passes = journalFilter(options, without);
    this.#labels = new JournalLabels(world.labels, world.names);
  }

  get lost(): Readonly<Record<string, number>> {
    return { ...this.#journal.lost, fields: this.#lostFields + this.#journal.lostFields };
  }

  get waiting(): number {
    this.#scanIfDue();
    return this.#journal.waiting;
  }

  async read(target: EntryTarget, signal: AbortSignal): Promise<LogRead | undefined> {
    if (this.#isDrained) this.#scan();
    else this.#scanIfDue();
    if (this.#found === 0) throw this.#problems[0] ?? new Error(`no journal in ${this.#options.paths.join(' or ')}`);
    if (this.#isNew) {
      this.#isNew = false;
      return { position: this.#position(), isDrained: false };
    }
    const turns = new Turns(signal);
    this.#isDrained = false;
    let read = 0;
    while (!target.isFull) {
      const next = this.#journal.next();
      if (next === undefined) {
        this.#isDrained = true;
        break;
      }
      this.#current.fields = next.fields;
      if (this.#passes === undefined || this.#passes(this.#current)) {
        target.add(new JournalEntry(next, this.#labels.of(this.#current)));
      }
      if (++read % STEP === 0 && turns.isOver) await turns.next();
    }
    return read === 0 ? undefined : { position: this.#position(), isDrained: this.#isDrained };
  }

  acknowledged(): void {}

  close(): void {
    this.#journal.close();
  }

  #position(): string {
    return JSON.stringify(this.#journal.position());
  }

  /** Lists the files, unless that was done a moment ago. */
  #scanIfDue(): void {
    if (Math.abs(this.#world.now() - this.#scannedAtMs) >= SCAN_MS) this.#scan();
  }

  #scan(): void {
    const { found, problems } = this.#journal.scan();
    this.#found = found;
    this.#problems = problems;
    this.#scannedAtMs = this.#world.now();
  }

  #start(): Start {
    const { start, maxAge } = this.#options;
    if (start === 'now') return 'now';
    const sinceRealtime = maxAge === undefined ? 0 : (this.#world.now() - maxAge) * 1000;
    const bootId = bootIdOf(this.#world.host);
    return start === 'boot' && bootId !== undefined ? { sinceRealtime, bootId } : { sinceRealtime };
  }
}
