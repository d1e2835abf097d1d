import { MalformedFile } from './errors.ts';

/**
 * Calls `parse` for each line that is not empty, with its number from 1. What `parse` throws becomes a MalformedFile
 * that names `path` and the line.
 */
export function eachLine(path: string, text: string, parse: (line: string, number: number) => void): void {
  let number = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    number++;
    if (end > start) {
      try {
        parse(text.slice(start, end), number);
      } catch (cause) {
        throw new MalformedFile(path, number, cause instanceof Error ? cause.message : String(cause));
      }
    }
    start = end + 1;
  }
}

/** The words of a line, split at runs of blanks and tabs. */
export function words(line: string): string[] {
  const trimmed = line.trim();
  return trimmed === '' ? [] : trimmed.split(/[ \t]+/);
}

/** What `parse` makes of the text of a file with one line; what it throws becomes a MalformedFile that names `path`. */
export function oneLine<Value>(path: string, text: string, parse: (text: string) => Value): Value {
  try {
    return parse(text);
  } catch (cause) {
    throw new MalformedFile(path, 1, cause instanceof Error ? cause.message : String(cause));
  }
}
