import { readState, type Sections, stateText, UnusableState, within, writeState } from './state-file.ts';

/** One user of the state. */
interface Holder {
  /** What is to be saved; positions and counts must fit together at any time between two turns of the event loop. */
  dump(): unknown;
  /** Ends what the holder has open, because another one goes on in its place. */
  release(): void;
}

/**
 * What the collectors of the group remember over restarts: positions and counts, in one file. It is saved before counts are
 * pushed, so a restart never begins with less than receivers have seen; what was read later is read again, and counted once.
 */
export class LogState {
  readonly #path: string | undefined;
  readonly #holders = new Map<string, Holder>();
  readonly #ends: (() => void)[] = [];
  #loaded: Promise<Sections> | undefined;
  #sections: Sections = {};
  #problem: Error | undefined;
  #saved = '';
  #writing: Promise<void> | undefined;
  /** A write that the disk has not answered yet. */
  #pending: Promise<void> | undefined;

  /** Without `path` nothing outlives the process. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /**
   * What was saved of the section `name`; undefined when there is none. From now on `holder` has it. After a reload of the
   * configuration it is what the holder before had.
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

  /** Why the file could not be used when it was read; given once. */
  takeProblem(): Error | undefined {
    const problem = this.#problem;
    this.#problem = undefined;
    return problem;
  }

  /** Saves all sections, unless nothing has changed. Rejects when that fails; what was saved before is still there then. */
  async save(): Promise<void> {
    if (this.#path === undefined) return;
    // One write at a time: who comes meanwhile waits, and then saves what is new.
    for (let tries = 0; this.#writing !== undefined && tries < 3; tries++) await this.#writing.catch(() => undefined);
    this.#writing ??= this.#write(this.#path).finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  /** Has `end` run when the state is closed. */
  onClose(end: () => void): void {
    this.#ends.push(end);
  }

  /** Ends all that is open. */
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
    this.#pending = writeState(path, text).finally(() => {
      this.#pending = undefined;
    });
    await within(`save ${path}`, this.#pending);
    this.#saved = text;
  }

  async #load(): Promise<Sections> {
    if (this.#path === undefined) return {};
    try {
      return await readState(this.#path);
    } catch (cause) {
      if (!(cause instanceof UnusableState)) throw cause;
      this.#problem = cause;
      return {};
    }
  }
}
