import * as z from 'zod';
import { errorCode, errorText } from '../base/error-text.ts';
import { readText } from '../base/files.ts';
import { writeWhole } from '../base/write-whole.ts';

/** A temporarily disabled collector. */
export interface Disable {
  /** Milliseconds since 1970, as is `untilMs`. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

/** Hundreds of collectors with long reasons; a wrong path must not fill the memory. */
const MAX_BYTES = 256 * 1024;

const content = z.strictObject({
  disabled: z.record(
    z.string(),
    z.strictObject({ sinceMs: z.number(), untilMs: z.number(), reason: z.string().max(1000) }),
  ),
});

/** The content of `path`, by collector; empty if the file does not exist. Throws an Error that names the path. */
export function readDisables(path: string): Map<string, Disable> {
  try {
    const text = readText(path, MAX_BYTES);
    return new Map(Object.entries(content.parse(JSON.parse(text)).disabled));
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return new Map();
    throw new Error(`cannot read ${path}: ${reasonOf(cause)}`);
  }
}

/** Replaces the file atomically, or leaves the old one. Rejects with an Error that names the path. */
export async function writeDisables(path: string, disables: ReadonlyMap<string, Disable>): Promise<void> {
  const text = `${JSON.stringify({ disabled: Object.fromEntries(disables) }, null, 2)}\n`;
  try {
    await writeWhole(path, text);
  } catch (cause) {
    throw new Error(`cannot write ${path}: ${reasonOf(cause)}`);
  }
}

const reasonOf = (cause: unknown): string =>
  cause instanceof z.ZodError ? z.prettifyError(cause) : (errorCode(cause) ?? errorText(cause));
