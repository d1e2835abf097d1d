import { isDeepStrictEqual } from 'node:util';

/** The lifecycle of a part. */
interface Life<T> {
  start?(part: T): void | Promise<void>;
  stop?(part: T): void | Promise<void>;
}

interface Part {
  readonly madeFrom: unknown;
  readonly value: unknown;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The parts that a configuration requires, by name. It takes over the parts of an earlier configuration that have the
 * same settings, with their state; the others are exchanged in {@link replace}.
 */
export class Parts {
  readonly #before: ReadonlyMap<string, Part>;
  readonly #parts = new Map<string, Part>();

  constructor(before?: Parts) {
    this.#before = before === undefined ? new Map() : before.#parts;
  }

  /**
   * The part `name`: the earlier one if its `madeFrom` is equal, otherwise the result of `make`, which receives the
   * part that it replaces. `make` must leave nothing behind when it throws, and must not take resources of another
   * part.
   */
  async take<T>(
    name: string,
    madeFrom: unknown,
    make: (replaced: T | undefined) => T | Promise<T>,
    life: Life<T> = {},
  ): Promise<T> {
    const old = this.#before.get(name);
    if (old && isDeepStrictEqual(old.madeFrom, madeFrom)) {
      this.#parts.set(name, old);
      return old.value as T;
    }
    const value = await make(old?.value as T | undefined);
    this.#parts.set(name, {
      madeFrom,
      value,
      start: async () => life.start?.(value),
      stop: async () => life.stop?.(value),
    });
    return value;
  }

  /** The names of parts that are new, replaced or removed. */
  get changed(): readonly string[] {
    const names = new Set([...this.#before.keys(), ...this.#parts.keys()]);
    return [...names].filter((name) => this.#before.get(name) !== this.#parts.get(name));
  }

  /** Starts those parts of the first configuration selected by `which`, in the order of their creation. */
  async start(which: (name: string) => boolean): Promise<void> {
    for (const [name, part] of this.#parts) if (which(name)) await part.start();
  }

  /** Stops changed parts and starts their replacements, each part as soon as its predecessor has ended. */
  async replace(): Promise<void> {
    await Promise.all(
      this.changed.map(async (name) => {
        await this.#before.get(name)?.stop();
        await this.#parts.get(name)?.start();
      }),
    );
  }

  /** Stops the parts made for a configuration that was refused; the earlier ones keep running. */
  async discard(): Promise<void> {
    for (const [name, part] of [...this.#parts].reverse()) if (this.#before.get(name) !== part) await part.stop();
  }

  /** Stops one part, or all remaining ones, the last created first. */
  async stop(name?: string): Promise<void> {
    for (const [each, part] of [...this.#parts].reverse()) {
      if (name !== undefined && each !== name) continue;
      this.#parts.delete(each);
      await part.stop();
    }
  }
}
