// Lines of log files, counted by rules.
import { sleep } from '../../base/clock.ts';
import { errorText } from '../../base/error-text.ts';
import { Turns } from '../../base/turns.ts';
import { LineDecoder, MAX_LINE_BYTES } from '../../host/tail/line-reader.ts';
import { TailSet } from '../../host/tail/tail-set.ts';
import type { FileState, TailedFile } from '../../host/tail/tailed-file.ts';
import type { Collect, World } from '../collector.ts';
import { CounterSet } from './counter-set.ts';
import { logErrors, logLagBytes, logLines, logRotations, logTruncates } from './families.ts';
import { type LineMetric, LineRule, lineMetric } from './line-metrics.ts';
import type { LogFileOptions, LogOptions } from './options.ts';
import { Remembered } from './remembered.ts';
import type { LogState } from './state.ts';

const CHUNK_BYTES = 256 * 1024;
/** Maximum number of different errors that are kept for a cycle. */
const MOST_FAILURES = 20;
/** Maximum number of `logfile` labels; only exceeded with `perFile`. */
const MAX_LOGFILES = 10_000;

/** Counts of the files themselves, by the names of mtail. */
const fileCounters = () => ({
  lines: new CounterSet(logLines, MAX_LOGFILES),
  rotations: new CounterSet(logRotations, MAX_LOGFILES),
  truncates: new CounterSet(logTruncates, MAX_LOGFILES),
  errors: new CounterSet(logErrors, MAX_LOGFILES),
});

type FileCounters = ReturnType<typeof fileCounters>;

/** One entry of `collectors.log.files`: its files and its rules. */
class Followed {
  readonly name: string;
  set: TailSet | undefined;
  /** Errors since the last collection, by path. */
  readonly problems = new Map<string, unknown>();
  readonly #options: LogFileOptions;
  readonly #rules: readonly LineRule[];
  readonly #counters: FileCounters;
  readonly #decoder: LineDecoder;
  readonly #chunk: Buffer;

  constructor(
    options: LogFileOptions,
    metrics: ReadonlyMap<string, LineMetric>,
    counters: FileCounters,
    chunk: Buffer,
  ) {
    this.name = options.paths.join(',');
    this.#options = options;
    this.#rules = options.rules.map((rule) => new LineRule(rule, metrics.get(rule.metric) as LineMetric));
    this.#counters = counters;
    this.#decoder = new LineDecoder(options.encoding);
    this.#chunk = chunk;
    if (options.perFile) return;
    for (const set of Object.values(counters)) set.add(0, this.name);
    for (const rule of this.#rules) rule.begin(this.name);
  }

  /** Starts following, from the saved state if there is one. */
  begin(saved: readonly FileState[] | undefined, closeAfterMs: number): void {
    const { paths, exclude, start } = this.#options;
    const { rotations, truncates, errors } = this.#counters;
    this.set = new TailSet(
      { paths, start, closeAfterMs, exclude: (path) => COMPRESSED.test(path) || exclude.some((one) => one.test(path)) },
      {
        rotated: (path) => rotations.add(1, this.#label(path)),
        truncated: (path) => truncates.add(1, this.#label(path)),
        failed: (path, cause) => {
          errors.add(1, this.#label(path));
          this.problems.set(path, cause);
        },
      },
      saved,
    );
  }

  /** Reads new data, at most `budget` bytes, yielding to the event loop; returns the number of bytes. */
  async read(nowMs: number, budget: number, turns: Turns): Promise<number> {
    let left = budget;
    for (const file of this.set?.look(nowMs) ?? []) {
      while (left > 0 && file.isOpen) {
        const read = this.#readChunk(file);
        if (read === 0) break;
        left -= read;
        if (turns.isOver) await turns.next();
      }
    }
    return budget - left;
  }

  /** Processes the complete lines of one chunk; returns by how many bytes the position advances. */
  #readChunk(file: TailedFile): number {
    const label = this.#label(file.path);
    const length = file.read(this.#chunk, file.offset);
    if (length === 0) return 0;
    const bytes = this.#chunk.subarray(0, length);
    const whole = this.#decoder.wholeLines(bytes);
    if (whole === 0) return this.#longLine(file, bytes, label);
    let from = 0;
    if (file.isSkipping) {
      from = this.#decoder.endOf(bytes, 0) + this.#decoder.endingBytes;
      file.isSkipping = false;
    }
    this.#takeLines(this.#decoder.text(bytes.subarray(from, whole)), label);
    file.offset += whole;
    return whole;
  }

  /** A chunk without a line end: waits for one, unless the line is already too long. */
  #longLine(file: TailedFile, bytes: Buffer, label: string): number {
    if (bytes.length < MAX_LINE_BYTES && !file.isSkipping) return 0;
    if (!file.isSkipping) {
      this.#takeLines(`${this.#decoder.text(bytes.subarray(0, MAX_LINE_BYTES))}\n`, label);
      file.isSkipping = true;
    }
    file.offset += bytes.length;
    return bytes.length;
  }

  #takeLines(text: string, label: string): void {
    const { drop } = this.#options;
    let lines = 0;
    for (let from = 0; from < text.length; ) {
      let end = text.indexOf('\n', from);
      if (end === -1) end = text.length;
      const last = text.charCodeAt(end - 1) === 13 && end > from ? end - 1 : end;
      const line = text.slice(from, Math.min(last, from + MAX_LINE_BYTES));
      lines++;
      from = end + 1;
      try {
        if (drop.some((pattern) => pattern.test(line))) continue;
        for (const rule of this.#rules) rule.take(line, label);
      } catch (cause) {
        this.#counters.errors.add(1, label);
        this.problems.set(this.name, cause);
      }
    }
    this.#counters.lines.add(lines, label);
  }

  #label(path: string): string {
    return this.#options.perFile ? path : this.name;
  }
}

/** Compressed rotated files are not read. */
const COMPRESSED = /\.(?:gz|bz2|xz|zst|lz4)$/;

/**
 * The collector `log`. Files are read every `poll` between the cycles, so that little is lost when one is truncated.
 */
export function collectLog(options: LogOptions, { now }: World, state: LogState): Collect {
  const { files, budget, poll, closeAfter } = options;
  const counters = fileCounters();
  const metrics = new Map(files.flatMap(({ rules }) => rules).map((rule) => [rule.metric, lineMetric(rule)]));
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const followed = files.map((one) => new Followed(one, metrics, counters, chunk));
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  /** Of reads between the cycles, for the next one: they come every `poll`, and those of one kind are one loss. */
  const failures = new Map<string, unknown>();

  const remembered = new Remembered(state, 'log counts', counters, {
    dump: () => ({
      files: Object.fromEntries(followed.map(({ name, set }) => [name, set?.dump()])),
      metrics: Object.fromEntries([...metrics].map(([name, metric]) => [name, metric.dump()])),
    }),
    restore: (saved) => {
      const before = saved as { files?: Record<string, FileState[]>; metrics?: Record<string, unknown> };
      for (const one of followed) one.begin(before.files?.[one.name], closeAfter);
      return [...metrics].flatMap(([name, metric]) => metric.restore(before.metrics?.[name]));
    },
  });

  const readAll = async (signal: AbortSignal): Promise<void> => {
    const turns = new Turns(signal);
    let left = budget;
    for (const one of followed) left -= await one.read(now(), Math.max(left, 0), turns);
  };
  const readOnce = (signal: AbortSignal): Promise<void> => {
    running ??= readAll(signal).finally(() => {
      running = undefined;
    });
    return running;
  };
  const noteFailure = (cause: unknown): void => {
    if (failures.size < MOST_FAILURES) failures.set(errorText(cause), cause);
  };
  const keepReading = async (): Promise<void> => {
    const { signal } = stopping;
    while (!signal.aborted) {
      await sleep(poll, signal, { ref: false });
      if (!signal.aborted) await readOnce(signal).catch(noteFailure);
    }
  };

  const begin = async (): Promise<void> => {
    await remembered.prepare();
    for (const one of followed) if (one.set === undefined) one.begin(undefined, closeAfter);
    state.onClose(() => {
      stopping.abort();
      for (const { set } of followed) set?.close();
    });
    void keepReading();
  };
  let begun: Promise<void> | undefined;

  return async (out, signal) => {
    begun ??= begin();
    await begun;
    await readOnce(signal);
    for (const cause of failures.values()) out.lose('log files between two cycles', cause);
    failures.clear();
    for (const { problems } of followed) {
      for (const [path, cause] of problems) out.lose(path, cause);
      problems.clear();
    }
    await remembered.emit(out);
    for (const metric of metrics.values()) metric.emit(out);
    for (const { name, set } of followed) out.add(logLagBytes, set?.lagBytes ?? 0, name);
  };
}
