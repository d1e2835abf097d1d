import type { Log } from '../base/log.ts';
import type { DisabledView } from '../http/status-view.ts';
import { type Disable, readDisables, writeDisables } from './disables-file.ts';

/** Maximum time for which a collector may be disabled: forgotten ones are enabled again automatically. */
export const MAX_DISABLE_MS = 24 * 3_600_000;

/** What the list of disabled collectors needs from the agent. */
interface DisablesWorld {
  /** The file in which they are stored; undefined if there is none. Called each time, because a reload changes it. */
  readonly file: () => string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
}

/** The disabled collectors, until when and why. */
export class Disables {
  readonly #world: DisablesWorld;
  #disables: Map<string, Disable> = new Map();
  /** The file with the disabled collectors. */
  #persistedIn: string | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(world: DisablesWorld) {
    this.#world = world;
  }

  /** Reads those that an earlier process stored. Resolves to whether the file could be used; it is renamed otherwise. */
  async start(): Promise<boolean> {
    const file = this.#world.file();
    if (file === undefined) return true;
    try {
      this.#disables = await readDisables(file);
      this.#persistedIn = file;
      return true;
    } catch (cause) {
      this.#world.log.error(
        { err: cause },
        'the file with the disabled collectors cannot be used: all of them run again',
      );
      return false;
    }
  }

  /** The disable of the collector `id`; undefined if it is not, or no longer, disabled. */
  get(id: string): DisabledView | undefined {
    const disable = this.#disables.get(id);
    if (disable === undefined) return undefined;
    const left = disable.untilMs - this.#world.now();
    // More time remains than the maximum if the clock was set back.
    if (left > 0 && left <= MAX_DISABLE_MS) return { ...disable, persisted: this.#persistedIn !== undefined };
    this.#disables.delete(id);
    this.#world.log.info(
      { collector: id, reason: disable.reason },
      'collector enabled again: the time for which it was disabled has passed',
    );
    return undefined;
  }

  /** Disables a collector for `ttlMs`; resolves when that has been stored, or storing it has failed. */
  async disable(id: string, ttlMs: number, reason: string): Promise<void> {
    const sinceMs = this.#world.now();
    this.#disables.set(id, { sinceMs, untilMs: sinceMs + Math.min(ttlMs, MAX_DISABLE_MS), reason });
    this.#world.log.warn({ collector: id, seconds: ttlMs / 1000, reason }, 'collector disabled');
    await this.#write();
  }

  /** Enables a collector again. */
  async enable(id: string): Promise<void> {
    if (!this.#disables.delete(id)) return;
    this.#world.log.warn({ collector: id }, 'collector enabled again');
    await this.#write();
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
