import { KeyMap } from '../base/key-map.ts';
import { begin } from '../base/last-operation.ts';
import { turn } from '../base/turns.ts';
import type { FailureLog } from './failure-log.ts';
import type { KubeObject } from './object.ts';
import type { ReflectorHandler } from './reflector-source.ts';
import type { ReflectorStats } from './reflector-stats.ts';

/**
 * What a reflector retains of its objects: their versions by key. Passes objects on to the handler; an object that
 * makes the handler throw does not end the reflector.
 */
export class KnownObjects<O extends KubeObject> {
  readonly #handler: ReflectorHandler<O>;
  readonly #failures: FailureLog;
  readonly #stats: ReflectorStats;
  /**
   * Versions by key. Kubernetes guarantees increasing decimal numbers; others are NaN, for which every comparison is
   * false.
   */
  readonly #versions = new KeyMap<number>();

  constructor(handler: ReflectorHandler<O>, failures: FailureLog, stats: ReflectorStats) {
    this.#handler = handler;
    this.#failures = failures;
    this.#stats = stats;
  }

  /** The version of an object; undefined when there is none with this key. */
  versionOf(key: string): number | undefined {
    return this.#versions.get(key);
  }

  /** Passes on an object; `path` is that of its collection. */
  upsert(path: string, key: string, version: number, object: O): void {
    begin(path);
    try {
      this.#handler.onUpsert(key, object);
      this.#versions.set(key, version);
    } catch (error) {
      this.#failed(path, key, error);
      // Without a version, so that the next list passes it to the handler again.
      this.#versions.set(key, Number.NaN);
    }
    this.#stats.objects = this.#versions.size;
  }

  delete(path: string, key: string): void {
    this.#versions.delete(key);
    this.#stats.objects = this.#versions.size;
    try {
      this.#handler.onDelete(key);
    } catch (error) {
      this.#failed(path, key, error);
    }
  }

  /**
   * Deletes all objects whose keys are not in `keys`, which are keys of known objects. No other object may change
   * in the meantime. Ends early when `signal` fires.
   */
  async deleteOthers(path: string, keys: KeyMap<unknown>, signal: AbortSignal): Promise<void> {
    if (keys.size === this.#versions.size) return;
    const others: string[] = [];
    for (const key of this.#versions.keys()) {
      await turn();
      if (!keys.has(key)) others.push(key);
    }
    for (const key of others) {
      await turn();
      if (signal.aborted) return;
      this.delete(path, key);
    }
  }

  #failed(path: string, key: string, error: unknown): void {
    if (this.#stats.handlerErrors++ === 0) this.#failures.handlerFailed(path, key, error);
  }
}
