import { within } from '../../base/deadline.ts';
import { UnusableSavedFile } from '../../base/saved-file.ts';
import { writeWhole } from '../../base/write-whole.ts';
import { readState, type StateSections, stateText } from './state-file.ts';

/** A disk that takes longer is reported, and retried once it has responded. */
const DISK_MS = 5000;

/** One user of the state. */
interface Holder {
  /** The state to save; positions and counts must be consistent at any time between two turns of the event loop. */
  dump(): unknown;
  /** Closes the resources of the holder, because another one takes its place. */
  release(): void;
}

/**
 * The state that the collectors of the group preserve across restarts: positions and counts, in one file. It is saved
 * before counts are pushed, so counters never restart below the values that receivers have seen; later input is read
 * again, and counted once.
 */
export class LogState {
  readonly #path: string | undefined;
  readonly #holders = new Map<string, Holder>();
  readonly #ends: (() => void)[] = [];
  #loaded: Promise<StateSections> | undefined;
  #sections: StateSections = {};
  #problem: Error | undefined;
  #saved = '';
  #writing: Promise<void> | undefined;
  /** A pending write. */
  #pending: Promise<void> | undefined;

  /** Without `path` nothing is persisted. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /**
   * The saved section `name`; undefined if there is none. From now on `holder` owns it. After a reload of the
   * configuration it is the state of the previous holder.
   */
  async take(name: string, holder: Holder): Promise<unknown> {
    this.#loaded ??= this.#load();
    this.#sections = await this.#loaded;
    const before = this.#holders.get(name);
    const saved = before === undefined ? this.#sections[name] : JSON.parse(JSON.stringify(before.dump()));
    before?.release();
    this.#holders.set(name, holder);
    return saved;
  }

  /** Why the file was unusable when it was read; returned once. */
  takeProblem(): Error | undefined {
    const problem = this.#problem;
    this.#problem = undefined;
    return problem;
  }

  /** Saves all sections, unless nothing has changed. Rejects if that fails; the previously saved state then remains. */
  async save(): Promise<void> {
    if (this.#path === undefined) return;
    // One write at a time: later callers wait, and then save the new state.
    for (let tries = 0; this.#writing !== undefined && tries < 3; tries++) await this.#writing.catch(() => undefined);
    this.#writing ??= this.#write(this.#path).finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  /** Registers `end` to run when the state is closed. */
  onClose(end: () => void): void {
    this.#ends.push(end);
  }

  /** Closes everything that is open. */
  close(): void {
    for (const end of this.#ends.splice(0)) end();
    for (const { release } of this.#holders.values()) release();
    this.#holders.clear();
  }

  async #write(path: string): Promise<void> {
    const sections: Record<string, unknown> = { ...this.#sections };
    for (const [name, holder] of this.#holders) sections[name] = holder.dump();
    const text = stateText(sections);
    if (text === this.#saved) return;
    if (this.#pending !== undefined)
      throw new Error(`${path}: an earlier write is still pending; positions are not saved`);
    this.#pending = writeWhole(path, text).finally(() => {
      this.#pending = undefined;
    });
    const late = `save ${path}: no response from the disk within ${DISK_MS} ms`;
    await within(DISK_MS, this.#pending, late);
    this.#saved = text;
  }

  async #load(): Promise<StateSections> {
    if (this.#path === undefined) return {};
    try {
      return await readState(this.#path);
    } catch (cause) {
      if (!(cause instanceof UnusableSavedFile)) throw cause;
      this.#problem = cause;
      return {};
    }
  }
}
