import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { type ProcessName, processName } from './matcher.ts';

/** No such file is near this size. */
const MAX_FILE_BYTES = 1024 * 1024;

/** process-exporter looks at no other key of the file, so others may be there. */
const schema = z.object({ process_names: z.array(processName).nullish() });

/** What is wrong with a file of process-exporter's format; one line a problem, each with its place. */
export class ProcessNamesError extends Error {
  override readonly name = 'ProcessNamesError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** The entries of a file, and where in it the value at a path of keys stands. */
export interface NamesFile {
  readonly entries: readonly ProcessName[];
  readonly placeOf: (path: readonly PropertyKey[]) => string;
}

/** Reads a process-exporter configuration file. Throws ProcessNamesError. */
export function readProcessNames(file: string): NamesFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ProcessNamesError([`${file}: cannot be read (${(cause as NodeJS.ErrnoException).code ?? cause})`]);
  }
  if (text.length > MAX_FILE_BYTES) throw new ProcessNamesError([`${file}: larger than ${MAX_FILE_BYTES} bytes`]);
  return parseProcessNames(file, text);
}

/** The same for the text of `file`. */
export function parseProcessNames(file: string, text: string): NamesFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw new ProcessNamesError(document.errors.map(({ pos, message }) => `${place(pos[0])}: ${message}`));
  }
  const placeOf = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length--) {
      const node: unknown = document.getIn(path.slice(0, length), true);
      const range = (node as { range?: readonly number[] } | undefined)?.range;
      if (range) return place(range[0] ?? 0);
    }
    return `${file}:1:1`;
  };
  const result = schema.safeParse(document.toJS() ?? {});
  if (result.success) return { entries: result.data.process_names ?? [], placeOf };
  throw new ProcessNamesError(
    result.error.issues.map((issue) => {
      const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
      const message = issue.code === 'unrecognized_keys' ? 'unknown key' : issue.message;
      return `${placeOf(path)}: ${path.map(String).join('.')}: ${message}`;
    }),
  );
}
