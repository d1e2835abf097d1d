import { errorText } from '../base/error-text.ts';
import { MalformedFile } from './errors.ts';

/** Records units (records, files, devices) that could not be read; implemented by Snapshot. */
export interface Losses {
  lose(unit: string, cause: unknown): void;
}

/**
 * Calls `parse` for each line that is not empty, with its number from 1. Errors of `parse` become a MalformedFile that
 * names `path` and the line. For files in which a line is useless without the others: if each line is a record of its
 * own, {@link eachRecord} only loses the bad ones.
 */
export function eachLine(path: string, text: string, parse: (line: string, number: number) => void): void {
  walkLines(text, (line, number) => {
    try {
      parse(line, number);
    } catch (cause) {
      throw new MalformedFile(path, number, errorText(cause));
    }
  });
}

/** A file with more bad lines than this has another format; each line would be stored as an error. */
const MAX_BAD_RECORDS = 100;

/**
 * Like {@link eachLine} for a file with one record per line: a record for which `parse` throws is lost with path and
 * line number, and reading continues with the others. A file without any text, or of NULs (as after a crash), is lost
 * as a whole. Throws MalformedFile when more than 100 records are bad.
 */
export function eachRecord(
  lost: Losses,
  path: string,
  text: string,
  parse: (line: string, number: number) => void,
): void {
  try {
    filled(path, text);
  } catch (cause) {
    lost.lose(path, cause);
    return;
  }
  let bad = 0;
  const hasNul = text.includes('\0');
  walkLines(text, (line, number) => {
    try {
      if (hasNul && line.includes('\0')) throw new Error('the line contains NUL bytes');
      parse(line, number);
    } catch (cause) {
      const error = new MalformedFile(path, number, errorText(cause));
      if (++bad > MAX_BAD_RECORDS) throw error;
      lost.lose(path, error);
    }
  });
}

/** Handles files copied from another system. */
const CARRIAGE_RETURN = 13;

function walkLines(text: string, take: (line: string, number: number) => void): void {
  let number = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const next = newline === -1 ? text.length : newline;
    const end = text.charCodeAt(next - 1) === CARRIAGE_RETURN ? next - 1 : next;
    number++;
    if (end > start) take(text.slice(start, end), number);
    start = next + 1;
  }
}

/** Returns `text`; throws an Error that names `path` if the file is empty or contains only blanks or NULs. */
export function filled(path: string, text: string): string {
  if (/[^\s\0]/.test(text)) return text;
  throw new Error(`${path}: ${text === '' ? 'the file is empty' : 'the file contains only blanks or NUL bytes'}`);
}

/** The words of a line, split at runs of blanks and tabs. */
export function words(line: string): string[] {
  const trimmed = line.trim();
  return trimmed === '' ? [] : trimmed.split(/[ \t]+/);
}

/** The result of `parse` for the text of a one-line file; its errors become a MalformedFile that names `path`. */
export function oneLine<Value>(path: string, text: string, parse: (text: string) => Value): Value {
  try {
    return parse(text);
  } catch (cause) {
    throw new MalformedFile(path, 1, errorText(cause));
  }
}
