import type { Log } from '../base/log.ts';
import type { DisabledView } from '../http/status-view.ts';
import { type Disable, readDisables, writeDisables } from './disables-file.ts';

/** Longest time for which a collector may be switched off: one that is forgotten comes back by itself. */
export const MAX_DISABLE_MS = 24 * 3_600_000;

/** What the disables need. */
interface DisablesWorld {
  /** Where they outlast a restart; undefined for nowhere. Asked anew each time, since a reload changes it. */
  readonly file: () => string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
}

/** Which collectors are switched off, until when and why. */
export class Disables {
  readonly #world: DisablesWorld;
  readonly #disables: Map<string, Disable>;
  /** The file with the collectors that are off. */
  #persistedIn: string | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(world: DisablesWorld) {
    this.#world = world;
    this.#disables = this.#read();
  }

  /** How the collector `id` is switched off; undefined when it is not, or not any more. */
  get(id: string): DisabledView | undefined {
    const disable = this.#disables.get(id);
    if (disable === undefined) return undefined;
    const left = disable.untilMs - this.#world.now();
    // More is left than was ever allowed when the clock was set back.
    if (left > 0 && left <= MAX_DISABLE_MS) return { ...disable, persisted: this.#persistedIn !== undefined };
    this.#disables.delete(id);
    this.#world.log.info(
      { collector: id, reason: disable.reason },
      'collector enabled again: the time for which it was disabled has passed',
    );
    return undefined;
  }

  /** Switches a collector off for `ttlMs`; resolves when that is on disk, or could not be put there. */
  async disable(id: string, ttlMs: number, reason: string): Promise<void> {
    const sinceMs = this.#world.now();
    this.#disables.set(id, { sinceMs, untilMs: sinceMs + Math.min(ttlMs, MAX_DISABLE_MS), reason });
    this.#world.log.warn({ collector: id, seconds: ttlMs / 1000, reason }, 'collector disabled');
    await this.#write();
  }

  /** Switches a collector on again. */
  async enable(id: string): Promise<void> {
    if (!this.#disables.delete(id)) return;
    this.#world.log.warn({ collector: id }, 'collector enabled again');
    await this.#write();
  }

  #read(): Map<string, Disable> {
    const file = this.#world.file();
    if (file === undefined) return new Map();
    try {
      const disables = readDisables(file);
      this.#persistedIn = file;
      return disables;
    } catch (cause) {
      this.#world.log.error({ err: cause }, 'failed to read the disabled collectors; all of them run again');
      return new Map();
    }
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const file = this.#world.file();
      this.#persistedIn = undefined;
      if (file === undefined) return;
      try {
        await writeDisables(file, this.#disables);
        this.#persistedIn = file;
      } catch (cause) {
        this.#world.log.error({ err: cause }, 'failed to save the disabled collectors; they run again after a restart');
      }
    });
    return this.#writing;
  }
}
