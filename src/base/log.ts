import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import { wallMs } from './clock.ts';
import { errorText } from './error-text.ts';
import { dropFirstAdded } from './first-added.ts';

export type Log = Logger;

/**
 * The agent's log: JSON lines, written synchronously to standard error (a worker thread would cost 25 MB, and lines in
 * flight would be lost on a crash). Errors are reduced to type, message and stack: other properties of errors,
 * especially got's, contain headers with credentials.
 */
export function createLog(level: string, stream: DestinationStream = destination({ fd: 2, sync: true })): Log {
  const recent = new RecentTroubles(stream);
  const error = (cause: unknown) =>
    cause instanceof Error
      ? { type: cause.name, message: errorText(cause), stack: cause.stack }
      : { message: String(cause) };
  const log = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: error, error },
    },
    recent,
  );
  troubles.set(log, recent);
  return log;
}

const troubles = new WeakMap<Log, RecentTroubles>();

/** The last warnings and errors that a log of {@link createLog} wrote, oldest first, each a JSON object. */
export const recentTroubles = (log: Log): readonly string[] => troubles.get(log)?.lines ?? [];

const MAX_TROUBLES = 100;
const LONGEST_TROUBLE = 8 * 1024;

/** Remembers the last warnings and errors on their way to the log. */
class RecentTroubles implements DestinationStream {
  readonly #next: DestinationStream;
  readonly #lines: string[] = [];

  constructor(next: DestinationStream) {
    this.#next = next;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  write(line: string): void {
    this.#next.write(line);
    // A line begins with its level.
    if (!/^\{"level":"(?:warn|error|fatal)"/.test(line) || line.length > LONGEST_TROUBLE) return;
    this.#lines.push(line.trimEnd());
    if (this.#lines.length > MAX_TROUBLES) this.#lines.shift();
  }
}

/** Maximum number of remembered messages; beyond it the oldest is forgotten and may be logged again. */
const MAX_REMEMBERED = 1000;

/** Ids, counts and time stamps, which would make the text of every cycle different. */
const CHANGING = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{12,}|\d+/gi;

/** The common form of texts that differ only in numbers and ids: a key for {@link ThrottledLog.write}. */
export const kindOf = (text: string): string => text.replaceAll(CHANGING, '#');

/** Logs each message once, then at most once per `everyMs` with the number of suppressed repetitions. */
export class ThrottledLog {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #everyMs: number;
  readonly #written = new Map<string, { at: number; suppressed: number }>();
  readonly #stated = new Set<string>();

  constructor(log: Log, now: () => number = wallMs, everyMs = 300_000) {
    this.#log = log;
    this.#now = now;
    this.#everyMs = everyMs;
  }

  /** `key` identifies the message; it contains no counts, process ids or times, see {@link kindOf}. */
  write(level: 'info' | 'warn' | 'error', key: string, fields: object, message: string): void {
    const before = this.#written.get(key);
    if (before && this.#now() - before.at < this.#everyMs) {
      before.suppressed++;
      return;
    }
    this.#written.delete(key);
    this.#written.set(key, { at: this.#now(), suppressed: 0 });
    dropFirstAdded(this.#written, MAX_REMEMBERED);
    this.#log[level](before && before.suppressed > 0 ? { ...fields, repeated: before.suppressed } : fields, message);
  }

  /** Logs a permanent condition exactly once. */
  once(key: string, fields: object, message: string): void {
    if (this.#stated.has(key) || this.#stated.size >= MAX_REMEMBERED) return;
    this.#stated.add(key);
    this.#log.info(fields, message);
  }

  /**
   * Forgets a message whose cause is over, so that a recurrence is logged immediately. Returns true if it had been
   * logged.
   */
  over(key: string): boolean {
    return this.#written.delete(key);
  }
}
