import type { Turns } from '../../base/turns.ts';
import { CHUNK_BYTES, LineDecoder, MAX_LINE_BYTES } from '../../host/tail/line-reader.ts';
import type { TailedFile } from '../../host/tail/tailed-file.ts';

/** Bytes read from one file before it is the turn of others. */
const SHARE_BYTES = 4 * 1024 * 1024;
const CARRIAGE_RETURN = 13;

/** Reads files in chunks of complete lines. */
export class LineChunks {
  readonly #decoder: LineDecoder;
  readonly #chunk: Buffer;
  readonly #take: (text: string, file: TailedFile) => void;

  /** `take` gets text of complete lines; `chunk` has {@link CHUNK_BYTES}, and may be shared with others. */
  constructor(encoding: string, chunk: Buffer, take: (text: string, file: TailedFile) => void) {
    this.#decoder = new LineDecoder(encoding);
    this.#chunk = chunk;
    this.#take = take;
  }

  /** Reads new data, at most about `budget` bytes, yielding to the event loop; returns the number of bytes. */
  async read(files: readonly TailedFile[], budget: number, turns: Turns): Promise<number> {
    let left = budget;
    for (let waiting = files; waiting.length > 0 && left > 0; ) {
      const next: TailedFile[] = [];
      for (const file of waiting) {
        // A renamed file is read to its end first: later data is newer.
        const share = file.isLeft ? left : Math.min(left, SHARE_BYTES);
        const read = await this.#readFile(file, share, turns);
        left -= read;
        if (read >= share) next.push(file);
      }
      waiting = next;
    }
    return budget - left;
  }

  async #readFile(file: TailedFile, share: number, turns: Turns): Promise<number> {
    let read = 0;
    while (read < share && file.isOpen) {
      const bytes = this.#readChunk(file);
      if (bytes === 0) {
        file.isWaiting = true;
        break;
      }
      read += bytes;
      if (turns.isOver) await turns.next();
    }
    return read;
  }

  /** Processes the complete lines of one chunk; returns by how many bytes the position advances. */
  #readChunk(file: TailedFile): number {
    const length = file.read(this.#chunk, file.offset);
    if (length === 0) return 0;
    const bytes = this.#chunk.subarray(0, length);
    const whole = this.#decoder.wholeLines(bytes);
    if (whole === 0) return this.#longLine(file, bytes);
    let from = 0;
    if (file.isSkipping) {
      from = this.#decoder.endOf(bytes, 0) + this.#decoder.endingBytes;
      file.isSkipping = false;
    }
    this.#take(this.#decoder.text(bytes.subarray(from, whole)), file);
    file.offset += whole;
    return whole;
  }

  /** A chunk without a line end: waits for one, unless the line is already too long. */
  #longLine(file: TailedFile, bytes: Buffer): number {
    if (bytes.length < MAX_LINE_BYTES && !file.isSkipping) return 0;
    if (!file.isSkipping) {
      this.#take(`${this.#decoder.text(bytes.subarray(0, MAX_LINE_BYTES))}\n`, file);
      file.isSkipping = true;
    }
    file.offset += bytes.length;
    return bytes.length;
  }
}

/**
 * Calls `take` with each line of `text`, without its newline and truncated at {@link MAX_LINE_BYTES}; returns how many
 * there are.
 */
export function eachLogLine(text: string, take: (line: string) => void): number {
  let lines = 0;
  for (let from = 0; from < text.length; ) {
    let end = text.indexOf('\n', from);
    if (end === -1) end = text.length;
    const last = text.charCodeAt(end - 1) === CARRIAGE_RETURN && end > from ? end - 1 : end;
    take(text.slice(from, Math.min(last, from + MAX_LINE_BYTES)));
    lines++;
    from = end + 1;
  }
  return lines;
}
