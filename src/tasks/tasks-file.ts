import { createHash } from 'node:crypto';
import { renameSync } from 'node:fs';
import * as z from 'zod';
import { errorCode } from '../base/error-text.ts';
import { readText, whyUnread } from '../base/files.ts';
import { writeWhole } from '../base/write-whole.ts';

const VERSION = 1;
/** Thousands of tasks with long options. */
const MAX_BYTES = 8 * 1024 * 1024;

const content = z.strictObject({
  version: z.literal(VERSION),
  sha256: z.string(),
  tasks: z.array(z.record(z.string(), z.unknown())),
});

/** The content of a task file: tasks as specified. */
export type StoredTasks = readonly Readonly<Record<string, unknown>>[];

/** The file could not be used; it was renamed for inspection. */
export class DamagedTasks extends Error {
  override readonly name = 'DamagedTasks';
}

/**
 * The tasks in `path`; none if the file does not exist. Throws {@link DamagedTasks} for a damaged file, which is
 * renamed with the suffix `.bad`, and an Error that names the path if it can't be read.
 */
export function readTasks(path: string): StoredTasks {
  let text: string;
  try {
    text = readText(path, MAX_BYTES);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return [];
    throw new Error(`cannot read ${path}: ${whyUnread(cause)}`);
  }
  const reason = damageOf(text);
  if (typeof reason !== 'string') return reason.tasks;
  renameSync(path, `${path}.bad`);
  throw new DamagedTasks(`${path} ${reason}; renamed to ${path}.bad, and its tasks are lost`);
}

/** Replaces the file atomically, or leaves the old one. Rejects with an Error that names the path. */
export async function writeTasks(path: string, tasks: StoredTasks): Promise<void> {
  const text = `${JSON.stringify({ version: VERSION, sha256: checksum(tasks), tasks }, null, 1)}\n`;
  try {
    await writeWhole(path, text);
  } catch (cause) {
    throw new Error(`cannot write ${path}: ${whyUnread(cause)}`);
  }
}

function damageOf(text: string): string | { readonly tasks: StoredTasks } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'is not JSON';
  }
  const parsed = content.safeParse(value);
  if (!parsed.success) return 'is of another version, or not a file of tasks';
  return checksum(parsed.data.tasks) === parsed.data.sha256 ? parsed.data : 'has a wrong checksum';
}

const checksum = (tasks: StoredTasks): string => createHash('sha256').update(JSON.stringify(tasks)).digest('hex');
