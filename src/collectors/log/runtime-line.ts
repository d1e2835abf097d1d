import { MAX_LINE_BYTES } from '../../host/tail/line-reader.ts';

/** A line written by a container runtime. */
interface RuntimeLine {
  readonly text: string;
  /** `stdout` or `stderr`; empty for a line in no known format. */
  readonly stream: string;
  /** Whether more of the line follows. */
  readonly isPartial: boolean;
}

const OPEN_BRACE = 123;
const FULL = 70;
const PARTIAL = 80;

/**
 * Reads a line of the format of the container runtime interface (`time stream P|F text`) or of docker's json-file. Pure; a
 * line of another format is its own text.
 * https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 */
export function runtimeLine(line: string): RuntimeLine {
  if (line.charCodeAt(0) === OPEN_BRACE) return dockerLine(line) ?? plain(line);
  const time = line.indexOf(' ');
  if (time < 20) return plain(line);
  const isOut = line.startsWith('stdout ', time + 1);
  if (!isOut && !line.startsWith('stderr ', time + 1)) return plain(line);
  const tags = time + 8;
  const kind = line.charCodeAt(tags);
  const end = line.indexOf(' ', tags);
  if (kind !== FULL && kind !== PARTIAL) return plain(line);
  const text = end === -1 ? '' : line.slice(end + 1);
  return { text, stream: isOut ? 'stdout' : 'stderr', isPartial: kind === PARTIAL };
}

const plain = (text: string): RuntimeLine => ({ text, stream: '', isPartial: false });

function dockerLine(line: string): RuntimeLine | undefined {
  try {
    const { log, stream }: { readonly log?: unknown; readonly stream?: unknown } = JSON.parse(line);
    if (typeof log !== 'string') return undefined;
    const isPartial = !log.endsWith('\n');
    return { text: isPartial ? log : log.slice(0, -1), stream: typeof stream === 'string' ? stream : '', isPartial };
  } catch {
    return undefined;
  }
}

/** Maximum number of lines of which parts are held. */
const MAX_HELD = 200;

/** Joins the parts of long lines. */
export class PartialLines {
  readonly #held = new Map<string, string>();

  /**
   * The complete line that `line` ends, truncated at {@link MAX_LINE_BYTES}; undefined while more of it follows.
   * `writer` is the container.
   */
  join(writer: string, { text, stream, isPartial }: RuntimeLine): string | undefined {
    if (!isPartial && this.#held.size === 0) return text;
    const key = `${writer}\0${stream}`;
    const before = this.#held.get(key) ?? '';
    const joined = (before + text).slice(0, MAX_LINE_BYTES);
    this.#held.delete(key);
    if (!isPartial) return joined;
    if (this.#held.size >= MAX_HELD) {
      // The one unfinished for the longest time: its container has most likely ended in the middle of a line.
      for (const oldest of this.#held.keys()) {
        this.#held.delete(oldest);
        break;
      }
    }
    this.#held.set(key, joined);
    return undefined;
  }

  /** Drops the unfinished lines of containers for which `isGone` is true. */
  forget(isGone: (writer: string) => boolean): void {
    for (const key of this.#held.keys()) if (isGone(key.slice(0, key.indexOf('\0')))) this.#held.delete(key);
  }

  /** For the state file: the position is after these parts. */
  dump(): unknown {
    return Object.fromEntries(this.#held);
  }

  restore(saved: unknown): void {
    if (typeof saved !== 'object' || saved === null) return;
    for (const [key, text] of Object.entries(saved).slice(0, MAX_HELD)) {
      if (typeof text === 'string') this.#held.set(key, text.slice(0, MAX_LINE_BYTES));
    }
  }
}
