import { monotonicMs } from '../base/clock.ts';
import { readSaved, UnusableSavedFile } from '../base/saved-file.ts';
import { writeWhole } from '../base/write-whole.ts';
import type { SavedPosition } from './source.ts';

const VERSION = 1;

/** The text of a position file. Pure, like {@link parsePosition}. */
const positionText = (saved: SavedPosition): string => `${JSON.stringify({ version: VERSION, ...saved })}\n`;

/** Throws an Error that describes the problem. */
function parsePosition(text: string): SavedPosition {
  const { version, position, lost }: Partial<SavedPosition> & { version?: unknown } = JSON.parse(text);
  if (version !== VERSION) throw new Error(`format version ${String(version)}, this agent reads version ${VERSION}`);
  const isLost = typeof lost === 'object' && lost !== null && Object.values(lost).every(Number.isFinite);
  if (typeof position !== 'string' || !isLost) throw new Error('it is not a position file of this agent');
  return { position, lost };
}

/**
 * The position in the file at `path`; undefined if there is none. `unusable` gets the problem if its content is invalid:
 * it is then renamed, and shipping begins as configured. Rejects if it can't be read.
 */
export async function readPosition(
  path: string,
  unusable: (problem: UnusableSavedFile) => void,
): Promise<SavedPosition | undefined> {
  try {
    return await readSaved(path, parsePosition);
  } catch (cause) {
    if (!(cause instanceof UnusableSavedFile)) throw cause;
    unusable(cause);
    return undefined;
  }
}

/** Saves positions, at most once in `everyMs`, one write at a time, only the newest. */
export class PositionFile {
  readonly #path: string | undefined;
  readonly #everyMs: number;
  readonly #saved: (position: SavedPosition) => void;
  readonly #failed: (cause: unknown) => void;
  #next: SavedPosition | undefined;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Without `path` positions count as saved immediately. `saved` is called for each one on disk. */
  constructor(
    path: string | undefined,
    everyMs: number,
    saved: (position: SavedPosition) => void,
    failed: (cause: unknown) => void,
  ) {
    this.#path = path;
    this.#everyMs = everyMs;
    this.#saved = saved;
    this.#failed = failed;
  }

  /** Saves `position` soon. */
  put(position: SavedPosition): void {
    this.#next = position;
    if (this.#timer !== undefined || this.#writing !== undefined) return;
    const waitMs = Math.max(0, this.#lastMs + this.#everyMs - monotonicMs());
    this.#timer = setTimeout(() => void this.flush(), waitMs).unref();
  }

  /** Saves the newest position now if it is not on disk yet. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    const position = this.#next;
    if (position === undefined) return;
    this.#next = undefined;
    this.#lastMs = monotonicMs();
    this.#writing = this.#write(position);
    await this.#writing;
    this.#writing = undefined;
    if (this.#next !== undefined) this.put(this.#next);
  }

  async #write(position: SavedPosition): Promise<void> {
    try {
      if (this.#path !== undefined) await writeWhole(this.#path, positionText(position));
      this.#saved(position);
    } catch (cause) {
      this.#next ??= position;
      this.#failed(cause);
    }
  }
}
