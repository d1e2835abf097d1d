import { ThrottledLog } from '../../base/log.ts';
import { Turns } from '../../base/turns.ts';
import { CHUNK_BYTES } from '../../host/tail/line-reader.ts';
import type { TailedFile } from '../../host/tail/tailed-file.ts';
import type { EntryTarget, LogRead, LogSource, LogSourceType, SavedPosition } from '../source.ts';
import type { LogWorld } from '../world.ts';
import { chosenFiles, filesWithRules } from './file-selection.ts';
import { filePositionText, NewFiles, parseFilePosition } from './new-files.ts';
import { ShippedSet } from './shipped-set.ts';

/** Files are checked this often while nothing is read, milliseconds: they must be open before they are removed. */
const POLL_MS = 900;
const MAX_POSITION = 4 * 1024 * 1024;

/** Lines of files. */
export const fileSource = (world: LogWorld): LogSourceType => ({
  name: 'file',
  open: (saved) => new FileSource(world, saved),
});

/** Files, read forward: they are the queue, nothing is copied. */
class FileSource implements LogSource {
  readonly name = 'file';
  readonly lost = { cut: 0 };
  readonly lostBytes = { unread: 0 };
  readonly #world: LogWorld;
  readonly #sets: readonly ShippedSet[];
  readonly #newFiles: NewFiles;
  #isNew: boolean;
  #isReading: boolean = false;
  #checkedAtMs = Number.NEGATIVE_INFINITY;

  /** `newFiles`: those of the source that it replaces. */
  constructor(world: LogWorld, saved: SavedPosition | undefined, newFiles?: NewFiles) {
    const before = saved && (newFiles?.since(saved.position) ?? parseFilePosition(saved.position));
    this.#newFiles = newFiles ?? new NewFiles(before?.seen);
    const log = new ThrottledLog(world.log, world.now);
    const failed = (path: string, cause: unknown) =>
      log.write('warn', `logs file ${path}`, { path, err: cause }, 'failed to read a log file to be shipped');
    this.#world = world;
    this.#isNew = saved === undefined;
    Object.assign(this.lost, saved?.lost);
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const lost = (_path: string, bytes: number) => {
      this.lostBytes.unread += bytes;
    };
    const choices = [...world.logs.files.map(chosenFiles), ...(world.shippedByRule ?? []).map(filesWithRules)];
    this.#sets = choices.map((one) => {
      const appeared = (file: TailedFile) => this.#newFiles.add(one.name, file);
      return new ShippedSet(one, world.labels, { lost, failed, appeared }, before?.sets, chunk);
    });
  }

  /** Lines are not counted before they are read. */
  readonly waiting = undefined;

  complete(position: string): string {
    const nowMs = this.#world.now();
    if (!this.#isReading && Math.abs(nowMs - this.#checkedAtMs) >= POLL_MS) {
      this.#checkedAtMs = nowMs;
      for (const set of this.#sets) set.refresh(nowMs);
    }
    return this.#newFiles.complete(position);
  }

  async read(target: EntryTarget, signal: AbortSignal): Promise<LogRead | undefined> {
    this.#isReading = true;
    try {
      return await this.#read(target, new Turns(signal));
    } finally {
      this.#isReading = false;
    }
  }

  successor(saved: SavedPosition): LogSource {
    return new FileSource(this.#world, saved, this.#newFiles);
  }

  acknowledged(): void {}

  close(): void {
    for (const set of this.#sets) set.close();
  }

  async #read(target: EntryTarget, turns: Turns): Promise<LogRead | undefined> {
    const nowMs = this.#world.now();
    this.#checkedAtMs = nowMs;
    const gathered = { target, read: 0, cut: 0 };
    let isDrained = true;
    for (const set of this.#sets) {
      const files = set.refresh(nowMs);
      if (this.#isNew) continue;
      if (!(await set.read(files, gathered, nowMs * 1000, turns))) {
        isDrained = false;
        break;
      }
    }
    this.lost.cut += gathered.cut;
    if (gathered.read === 0 && !this.#isNew) return undefined;
    const sets = Object.fromEntries(this.#sets.map((set) => [set.name, set.dump()]));
    const position = filePositionText({ sets, seen: this.#newFiles.seen });
    if (position.length > MAX_POSITION) throw new Error('too many files for one position: narrow logs.files');
    if (this.#isNew) isDrained = false;
    this.#isNew = false;
    return { position, isDrained };
  }
}
