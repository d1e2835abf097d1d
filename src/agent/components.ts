import { isDeepStrictEqual } from 'node:util';

/** The lifecycle of a component. */
interface Life<T> {
  start?(component: T): void | Promise<void>;
  stop?(component: T): void | Promise<void>;
}

interface Component {
  readonly madeFrom: unknown;
  readonly value: unknown;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The components that a configuration requires, by name. It takes over the components of an earlier configuration that
 * have the same settings, with their state; the others are exchanged in {@link replace}.
 */
export class Components {
  readonly #before: ReadonlyMap<string, Component>;
  readonly #components = new Map<string, Component>();

  constructor(before?: Components) {
    this.#before = before === undefined ? new Map() : before.#components;
  }

  /**
   * The component `name`: the earlier one if its `madeFrom` is equal, otherwise the result of `make`, which receives
   * the component that it replaces. `make` must leave nothing behind when it throws, and must not take resources of
   * another component.
   */
  async take<T>(
    name: string,
    madeFrom: unknown,
    make: (replaced: T | undefined) => T | Promise<T>,
    life: Life<T> = {},
  ): Promise<T> {
    const old = this.#before.get(name);
    if (old && isDeepStrictEqual(old.madeFrom, madeFrom)) {
      this.#components.set(name, old);
      return old.value as T;
    }
    const value = await make(old?.value as T | undefined);
    this.#components.set(name, {
      madeFrom,
      value,
      start: async () => life.start?.(value),
      stop: async () => life.stop?.(value),
    });
    return value;
  }

  /** The names of components that are new, replaced or removed. */
  get changed(): readonly string[] {
    const names = new Set([...this.#before.keys(), ...this.#components.keys()]);
    return [...names].filter((name) => this.#before.get(name) !== this.#components.get(name));
  }

  /** Starts those components of the first configuration selected by `which`, in the order of their creation. */
  async start(which: (name: string) => boolean): Promise<void> {
    for (const [name, component] of this.#components) if (which(name)) await component.start();
  }

  /** Stops changed components and starts their replacements, each component as soon as its predecessor has ended. */
  async replace(): Promise<void> {
    await Promise.all(
      this.changed.map(async (name) => {
        await this.#before.get(name)?.stop();
        await this.#components.get(name)?.start();
      }),
    );
  }

  /** Stops the components made for a configuration that was refused; the earlier ones keep running. */
  async discard(): Promise<void> {
    for (const [name, component] of [...this.#components].reverse())
      if (this.#before.get(name) !== component) await component.stop();
  }

  /** Stops one component, or all remaining ones, the last created first. */
  async stop(name?: string): Promise<void> {
    for (const [each, component] of [...this.#components].reverse()) {
      if (name !== undefined && each !== name) continue;
      this.#components.delete(each);
      await component.stop();
    }
  }
}
