import type { Turns } from '../../base/turns.ts';
import { CHUNK_BYTES, LineDecoder, MAX_LINE_BYTES } from '../../host/tail/line-reader.ts';
import { type TailEvents, TailSet } from '../../host/tail/tail-set.ts';
import type { FileState, TailedFile } from '../../host/tail/tailed-file.ts';
import type { LogEntry } from '../entry.ts';
import type { EntryTarget } from '../source.ts';
import type { FileSelection } from './file-selection.ts';
import { type FileOrigin, fileOrigin, lineEntry } from './line-entry.ts';

/** A file that has not grown for this long is closed, milliseconds. */
const CLOSE_AFTER_MS = 3_600_000;
const COMPRESSED = /\.(?:gz|bz2|xz|zst|lz4)$/;
const CARRIAGE_RETURN = 13;

/** The result of a read. */
interface GatheredLines {
  readonly target: EntryTarget;
  /** Bytes of files. */
  read: number;
  /** Truncated lines. */
  cut: number;
}

/** The files of one entry of the configuration. */
export class ShippedSet {
  readonly name: string;
  readonly #choice: FileSelection;
  readonly #common: LogEntry['labels'];
  readonly #decoder: LineDecoder;
  readonly #set: TailSet;
  readonly #chunk: Buffer;

  /** `saved`: states of files by name of the set. `chunk`: {@link CHUNK_BYTES} that sets share. */
  constructor(
    choice: FileSelection,
    common: LogEntry['labels'],
    events: Pick<TailEvents, 'lost' | 'failed' | 'appeared'>,
    saved: Readonly<Record<string, readonly FileState[]>> | undefined,
    chunk: Buffer,
  ) {
    this.#chunk = chunk;
    const { paths, exclude, start, encoding } = choice.files;
    this.name = choice.name;
    this.#choice = choice;
    this.#common = common;
    this.#decoder = new LineDecoder(encoding);
    const isExcluded = (path: string) => COMPRESSED.test(path) || exclude.some((one) => one.test(path));
    this.#set = new TailSet(
      { paths, start, closeAfterMs: CLOSE_AFTER_MS, exclude: isExcluded },
      { rotated: () => undefined, truncated: () => undefined, ...events },
      saved?.[this.name],
    );
  }

  /** Lists the files; returns those with unread data. */
  refresh(nowMs: number): TailedFile[] {
    return this.#set.refresh(nowMs);
  }

  dump(): FileState[] {
    return this.#set.dump();
  }

  close(): void {
    this.#set.close();
  }

  /** Reads lines of these files; false when the limits were reached before their end. */
  async read(files: readonly TailedFile[], gathered: GatheredLines, readUs: number, turns: Turns): Promise<boolean> {
    for (const file of files) {
      const origin = fileOrigin(file.path, this.#common);
      while (file.isOpen) {
        if (gathered.target.isFull) return false;
        const read = this.#readChunk(file, origin, gathered, readUs);
        if (read === 0) {
          file.isWaiting = true;
          break;
        }
        gathered.read += read;
        if (turns.isOver) await turns.next();
      }
    }
    return true;
  }

  /** Reads lines of one chunk; returns by how many bytes the file's position advances. */
  #readChunk(file: TailedFile, origin: FileOrigin, gathered: GatheredLines, readUs: number): number {
    const begin = file.offset;
    const bytes = this.#chunk.subarray(0, file.read(this.#chunk, begin));
    const whole = this.#decoder.wholeLines(bytes);
    let from = 0;
    while (from < whole && !gathered.target.isFull) {
      const end = this.#decoder.endOf(bytes, from);
      if (!file.isSkipping) this.#take(bytes.subarray(from, end), file, origin, gathered, readUs);
      file.isSkipping = false;
      from = end + this.#decoder.endingBytes;
      file.offset = begin + from;
    }
    if (whole > 0 || bytes.length < CHUNK_BYTES) return from;
    // A line without an end: its beginning becomes an entry, the rest is skipped.
    if (!file.isSkipping) this.#take(bytes, file, origin, gathered, readUs);
    file.isSkipping = true;
    file.offset += bytes.length;
    return bytes.length;
  }

  #take(bytes: Buffer, file: TailedFile, origin: FileOrigin, gathered: GatheredLines, readUs: number): void {
    const isCut = bytes.length > MAX_LINE_BYTES;
    const text = this.#decoder.text(isCut ? bytes.subarray(0, MAX_LINE_BYTES) : bytes);
    const line = text.charCodeAt(text.length - 1) === CARRIAGE_RETURN ? text.slice(0, -1) : text;
    const labels = line === '' ? undefined : this.#labelsOf(line);
    if (labels === undefined) return;
    if (isCut) gathered.cut++;
    // Lines that were read together keep their order.
    const time = readUs + gathered.target.count;
    const place = { file: file.state, origin, offset: file.offset, readUs: time };
    gathered.target.add(lineEntry(line, place, labels));
  }

  /** A line is shipped if an expression can't be evaluated on it within its limits. */
  #labelsOf(line: string): LogEntry['labels'] | undefined {
    try {
      return this.#choice.labelsOf(line);
    } catch {
      return {};
    }
  }
}
