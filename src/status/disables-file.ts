import * as z from 'zod';
import { readOrKeepAside, writeSaved } from '../base/saved-file.ts';

/** A temporarily disabled collector. */
export interface Disable {
  /** Milliseconds since 1970, as is `untilMs`. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

const content = z.strictObject({
  disabled: z.record(
    z.string(),
    z.strictObject({ sinceMs: z.number(), untilMs: z.number(), reason: z.string().max(1000) }),
  ),
});

/**
 * The content of `path`, by collector; empty if the file does not exist. One that is damaged or can't be read is renamed
 * with the suffix `.bad`: then rejects with UnusableSavedFile.
 */
export const readDisables = async (path: string): Promise<Map<string, Disable>> =>
  (await readOrKeepAside(path, parseDisables)) ?? new Map();

/** Replaces the file atomically, or leaves the old one. Rejects with an Error that names the path. */
export const writeDisables = (path: string, disables: ReadonlyMap<string, Disable>): Promise<void> =>
  writeSaved(path, `${JSON.stringify({ disabled: Object.fromEntries(disables) }, null, 2)}\n`);

/** Throws an Error that describes the problem. */
function parseDisables(text: string): Map<string, Disable> {
  const parsed = content.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error('it is not a file of disabled collectors');
  return new Map(Object.entries(parsed.data.disabled));
}
