import type { FileState, TailedFile } from '../../host/tail/tailed-file.ts';

/** A position in files. */
interface FileSetsPosition {
  /** By name of a set, its files. */
  readonly sets: Readonly<Record<string, readonly FileState[]>>;
  /** Number of files that had appeared when it was taken. */
  readonly seen: number;
}

/** No set has this name: names of sets contain absolute paths. */
const SEEN = 'seen';

/** The text of a position. */
export const filePositionText = ({ sets, seen }: FileSetsPosition): string => JSON.stringify({ ...sets, [SEEN]: seen });

/** A position; those of earlier versions do not have the number. Throws a SyntaxError. */
export function parseFilePosition(text: string): FileSetsPosition {
  const { [SEEN]: seen = 0, ...sets }: { seen?: number } & Record<string, readonly FileState[]> = JSON.parse(text);
  return { sets, seen };
}

interface NewFile {
  readonly set: string;
  readonly file: TailedFile;
  /** Where its first line begins. */
  readonly offset: number;
  readonly seen: number;
  /** Its identity and the beginning of its content when it was found; a file with other content is a different one. */
  state: FileState;
}

/** Maximum number of these files; the oldest are then only found under their own names. */
const MAX_FILES = 1000;

/**
 * Files that have appeared since the last acknowledged position, of which nothing is acknowledged yet. Without them in the
 * saved position, a file that was rotated more than once before a restart would not be found again.
 */
export class NewFiles {
  #seen: number;
  #files: NewFile[] = [];

  /** `seen`: that of the position at which the source begins. */
  constructor(seen = 0) {
    this.#seen = seen;
  }

  /** Number of files that have appeared. */
  get seen(): number {
    return this.#seen;
  }

  /** A file of this set has appeared. */
  add(set: string, file: TailedFile): void {
    this.#files.push({ set, file, offset: file.offset, seen: ++this.#seen, state: file.state });
    if (this.#files.length > MAX_FILES) this.#files.shift();
  }

  /** `position`, an acknowledged one, with the files that have appeared after it was taken; the others are forgotten. */
  complete(position: string): string {
    for (const one of this.#files) if (one.state.headBytes === 0) one.state = one.file.state;
    if (this.#files.length === 0) return position;
    const { seen } = parseFilePosition(position);
    this.#files = this.#files.filter((one) => one.seen > seen);
    return this.#files.length === 0 ? position : filePositionText(this.since(position));
  }

  /** A position with the files that have appeared after it was taken. */
  since(position: string): FileSetsPosition {
    const { sets, seen } = parseFilePosition(position);
    const complete: Record<string, readonly FileState[]> = { ...sets };
    for (const { set, state, offset, seen: at } of this.#files)
      if (at > seen) complete[set] = [...(complete[set] ?? []), { ...state, offset }];
    return { sets: complete, seen: this.#seen };
  }
}
