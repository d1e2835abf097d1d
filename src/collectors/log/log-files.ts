import type { Turns } from '../../base/turns.ts';
import { TailSet } from '../../host/tail/tail-set.ts';
import type { FileState, TailedFile } from '../../host/tail/tailed-file.ts';
import { CounterSet } from './counter-set.ts';
import { logErrors, logLines, logLostBytes, logRotations, logTruncates } from './families.ts';
import { eachLogLine, LineChunks } from './line-chunks.ts';
import { type LineMetric, type LineRule, lineRules } from './line-metrics.ts';
import type { LogFileOptions } from './options.ts';

/** Maximum number of `logfile` labels; only exceeded with `perFile`. */
const MAX_LOGFILES = 10_000;

/** Counts of the files themselves, by the names of mtail. */
export const fileCounters = () => ({
  lines: new CounterSet(logLines, MAX_LOGFILES),
  rotations: new CounterSet(logRotations, MAX_LOGFILES),
  truncates: new CounterSet(logTruncates, MAX_LOGFILES),
  errors: new CounterSet(logErrors, MAX_LOGFILES),
  lost: new CounterSet(logLostBytes, MAX_LOGFILES),
});

type FileCounters = ReturnType<typeof fileCounters>;

/** Compressed rotated files are not read. */
export const COMPRESSED = /\.(?:gz|bz2|xz|zst|lz4)$/;

/** One entry of `collectors.log.files`: its files and its rules. */
export class LogFiles {
  readonly name: string;
  set: TailSet | undefined;
  /** Errors since the last collection, by path. */
  readonly problems = new Map<string, unknown>();
  readonly #options: LogFileOptions;
  readonly #rules: readonly LineRule[];
  readonly #counters: FileCounters;
  readonly #chunks: LineChunks;
  readonly #origin: readonly string[];

  constructor(
    options: LogFileOptions,
    metrics: ReadonlyMap<string, LineMetric>,
    counters: FileCounters,
    chunk: Buffer,
  ) {
    this.name = options.paths.join(',');
    this.#options = options;
    this.#rules = lineRules(options.rules, metrics);
    this.#counters = counters;
    this.#chunks = new LineChunks(options.encoding, chunk, (text, file) => this.#takeLines(text, file));
    this.#origin = [this.name];
    if (options.perFile) return;
    for (const set of Object.values(counters)) set.add(0, this.name);
    for (const rule of this.#rules) rule.begin(this.#origin);
  }

  /** Starts following, from the saved state if there is one. */
  begin(saved: readonly FileState[] | undefined, closeAfterMs: number): void {
    const { paths, exclude, start } = this.#options;
    const { rotations, truncates, errors, lost } = this.#counters;
    this.set = new TailSet(
      { paths, start, closeAfterMs, exclude: (path) => COMPRESSED.test(path) || exclude.some((one) => one.test(path)) },
      {
        rotated: (path) => rotations.add(1, this.#label(path)),
        truncated: (path) => truncates.add(1, this.#label(path)),
        failed: (path, cause) => {
          errors.add(1, this.#label(path));
          this.problems.set(path, cause);
        },
        lost: (path, bytes) => lost.add(bytes, this.#label(path)),
      },
      saved,
    );
  }

  /** Reads new data, at most `budget` bytes, yielding to the event loop; returns the number of bytes. */
  read(nowMs: number, budget: number, turns: Turns): Promise<number> {
    return this.#chunks.read(this.set?.refresh(nowMs) ?? [], budget, turns);
  }

  #takeLines(text: string, { path }: TailedFile): void {
    const { drop, perFile } = this.#options;
    const origin = perFile ? [path] : this.#origin;
    const lines = eachLogLine(text, (line) => {
      try {
        if (drop.some((pattern) => pattern.test(line))) return;
        for (const rule of this.#rules) rule.take(line, origin);
      } catch (cause) {
        this.#counters.errors.of(origin).value++;
        this.problems.set(this.name, cause);
      }
    });
    this.#counters.lines.of(origin).value += lines;
  }

  #label(path: string): string {
    return this.#options.perFile ? path : this.name;
  }
}
