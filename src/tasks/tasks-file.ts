import { createHash } from 'node:crypto';
import * as z from 'zod';
import { readOrKeepAside, writeSaved } from '../base/saved-file.ts';

const VERSION = 1;

const content = z.strictObject({
  version: z.literal(VERSION),
  sha256: z.string(),
  tasks: z.array(z.record(z.string(), z.unknown())),
});

/** The content of a task file: tasks as specified. */
export type StoredTasks = readonly Readonly<Record<string, unknown>>[];

/**
 * The tasks in `path`; none if the file does not exist. One that is damaged or can't be read is renamed with the suffix
 * `.bad`: then rejects with UnusableSavedFile.
 */
export const readTasks = async (path: string): Promise<StoredTasks> => (await readOrKeepAside(path, parseTasks)) ?? [];

/** Replaces the file atomically, or leaves the old one. Rejects with an Error that names the path. */
export const writeTasks = (path: string, tasks: StoredTasks): Promise<void> =>
  writeSaved(path, `${JSON.stringify({ version: VERSION, sha256: checksum(tasks), tasks }, null, 1)}\n`);

/** Throws an Error that describes the problem. */
function parseTasks(text: string): StoredTasks {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  const parsed = content.safeParse(value);
  if (!parsed.success) throw new Error('it is of another version, or not a file of tasks');
  if (checksum(parsed.data.tasks) !== parsed.data.sha256) throw new Error('it has a wrong checksum');
  return parsed.data.tasks;
}

const checksum = (tasks: StoredTasks): string => createHash('sha256').update(JSON.stringify(tasks)).digest('hex');
