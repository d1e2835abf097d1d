// Files in the Prometheus text format that other programs write to a folder. Only `node_textfile_scrape_error` if no
// folder is configured.
import { globSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { errorCode } from '../../base/error-text.ts';
import { readRegular } from '../../base/files.ts';
import { bytes } from '../../config/units.ts';
import { fileError } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { type Family, gauge } from '../../metrics/family.ts';
import { KnownFamilies } from '../../metrics/known-families.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { TextFormatError } from '../../metrics/text/parse.ts';
import { defineCollector } from '../collector.ts';
import { parseFamilies, type TextFamily } from './textfile-parse.ts';

const scrapeError = gauge('node_textfile_scrape_error', 'Whether reading a folder, file or family failed.');
const mtime = gauge('node_textfile_mtime_seconds', 'Modification time of the file, in seconds since 1970.', ['file']);

const path = z.string().min(1);

const options = z.strictObject({
  directory: z
    .union([path, z.array(path)])
    .default([])
    .describe('Folders to read `*.prom` files from; `*`, `?` and `[...]` match as in a shell.'),
  maxFileSize: bytes().prefault('8MiB').describe('Reject larger files.'),
  followLinks: z.boolean().default(false).describe('Also follow symbolic links that lead outside the folder.'),
});

/** Metrics of other programs. */
export const textfile = defineCollector({
  name: 'textfile',
  enabled: true,
  summary:
    'Metrics that other programs write to `*.prom` files, under their own names, and the modification times of the files. In ' +
    'quoted (UTF-8) names, characters outside the classic grammar become `_`; names that then collide are rejected.',
  options,
  families: [scrapeError, mtime],
  errorFlag: scrapeError,
  create({ host }, { directory, maxFileSize, followLinks }) {
    const directories = [directory].flat();
    const families = new KnownFamilies();
    return (out) => {
      families.begin();
      const merged = new Map<string, Merged>();
      for (const file of directories.flatMap(expand).flatMap((folder) => promFiles(host, folder, out))) {
        out.attempt(file, () => {
          const { text, seconds } = readFile(file, maxFileSize, followLinks ? undefined : realFolder(file));
          const parsed = withoutContent(() => parseFamilies(text));
          for (const one of parsed) out.attempt(file, () => merge(merged, file, one));
          out.add(mtime, seconds, file);
        });
      }
      for (const one of merged.values()) {
        out.attempt(one.files.join(', '), () => {
          const owner = families.of(familyOf(one));
          const before = out.errors.length;
          for (const { key, value } of one.samples) out.addSeries(owner, key, value);
          // These errors have the labels, which are content of the file.
          const duplicates = out.errors.splice(before).length;
          if (duplicates === 0) return;
          throw new Error(`${duplicates} duplicate series of ${owner.name}: the first value of each is used`);
        });
      }
      // Last: duplicate series are only detected when they are added.
      out.add(scrapeError, out.errors.length > 0 ? 1 : 0);
    };
  },
});

/**
 * The folders that match a pattern; a pattern without matches is returned unchanged, so that its absence is reported.
 */
function expand(directory: string): string[] {
  const matches = /[*?[]/.test(directory) ? globSync(directory).sort() : [];
  return matches.length > 0 ? matches : [directory];
}

function promFiles(host: Host, folder: string, out: Snapshot): string[] {
  try {
    const names = host.list(folder).filter((name) => name.endsWith('.prom'));
    return names.map((name) => join(folder, name));
  } catch (cause) {
    out.lose(folder, cause);
    return [];
  }
}

/** The text, and when it was written, in whole seconds. Throws for anything but a regular file below `below`. */
function readFile(file: string, maxBytes: number, below: string | undefined): { text: string; seconds: number } {
  try {
    const { content, mtimeMs } = readRegular(file, { maxBytes, ...(below !== undefined && { below }) });
    return { text: content.toString('utf8'), seconds: Math.floor(mtimeMs / 1000) };
  } catch (cause) {
    throw errorCode(cause) === undefined ? cause : fileError(file, cause);
  }
}

/** The resolved folder of a file: the configured folder itself may be a link. */
function realFolder(file: string): string {
  try {
    return realpathSync(dirname(file));
  } catch (cause) {
    throw fileError(file, cause);
  }
}

/** Readers of the agent's log and pages may lack access to the file: its text is never quoted there. */
function withoutContent<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw cause instanceof TextFormatError ? new Error(cause.withoutContent) : cause;
  }
}

/** One family merged from all files. */
interface Merged {
  readonly first: TextFamily;
  help: string | undefined;
  readonly files: string[];
  readonly samples: TextFamily['samples'][number][];
}

/** Throws, and omits the data of `file`, if files contradict each other. */
function merge(merged: Map<string, Merged>, file: string, one: TextFamily): void {
  const known = merged.get(one.name) ?? { first: one, help: one.help, files: [], samples: [] };
  const { files, samples, first } = known;
  if (first.original !== one.original) {
    const [here, there] = [one.original, first.original].map((name) => JSON.stringify(name));
    throw new Error(`${here} maps to ${one.name}, as does ${there} of ${files[0]}`);
  }
  if (first.type !== one.type) throw new Error(`${one.name} is ${one.type} here, but ${first.type} in ${files[0]}`);
  if (one.help !== undefined && one.help !== (known.help ?? one.help)) {
    throw new Error(`the HELP text of ${one.name} differs from ${files[0]}`);
  }
  known.help ??= one.help;
  files.push(file);
  samples.push(...one.samples);
  merged.set(one.name, known);
}

const familyOf = ({ first: { name, type }, help, files }: Merged): Omit<Family, 'labels'> => ({
  name,
  type,
  help: help ?? `Read from ${files.join(', ')}.`,
});
