import type { Log } from '../base/log.ts';
import type { LogLevelView } from '../http/status-view.ts';

/** The log level, which may temporarily differ from the configured one. */
export class LogLevel {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #configured: () => string;
  #untilMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `configured` returns the level to restore when the time is over. */
  constructor(log: Log, now: () => number, configured: () => string) {
    this.#log = log;
    this.#now = now;
    this.#configured = configured;
  }

  get view(): LogLevelView {
    const { level } = this.#log;
    return this.#untilMs === undefined ? { level } : { level, untilMs: this.#untilMs };
  }

  /** Changes the level, for `ttlMs` or permanently. */
  set(level: string, ttlMs?: number): void {
    this.reset(level);
    if (ttlMs === undefined) return;
    this.#untilMs = this.#now() + ttlMs;
    this.#timer = setTimeout(() => this.reset(), ttlMs);
    this.#timer.unref();
  }

  /** Returns to the configured level. */
  reset(level: string = this.#configured()): void {
    clearTimeout(this.#timer);
    this.#untilMs = undefined;
    const before = this.#log.level;
    if (level === before) return;
    this.#log.level = level;
    this.#log.warn({ from: before, to: level }, 'log level changed');
  }
}
