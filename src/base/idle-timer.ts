/** Calls a function once something has not been used for a while. Does not keep the process running. */
export class IdleTimer {
  readonly #idleMs: number;
  readonly #whenIdle: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `idleMs`: after how many milliseconds without {@link touch}. */
  constructor(idleMs: number, whenIdle: () => void) {
    this.#idleMs = idleMs;
    this.#whenIdle = whenIdle;
  }

  /** Whether the time is running: the function will be called. */
  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  /** To be called at each use: the time starts again. */
  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#whenIdle();
    }, this.#idleMs).unref();
  }
}
