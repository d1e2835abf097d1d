import * as z from 'zod';
import { duration, filePath } from './units.ts';

/** The sections that a source may set. */
const SOURCE_SECTIONS = ['tasks', 'labels'] as const;

const source = z
  .strictObject({
    directory: filePath(
      'Folder whose *.yaml files are read in the order of their names, and watched; for example a mounted ConfigMap.',
    ).optional(),
    recursive: z.boolean().default(false).describe('Of a folder: include its subfolders.'),
    url: z
      .string()
      .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'expected http:// or https://')
      .refine((text) => !URL.canParse(text) || new URL(text).username === '', 'no credentials in the URL: use auth')
      .optional()
      .describe('URL of the text; {node} and {cluster} are replaced.'),
    every: duration(1000, 86_400_000).prefault('1m').describe('Of a URL: how often it is requested.'),
    auth: z
      .strictObject({ bearerTokenFile: filePath('File with the bearer token.') })
      .optional()
      .describe('Of a URL: credentials.'),
    keep: duration(0)
      .prefault('24h')
      .describe('Of a URL: maximum age of the copy on disk, which is used from the start until the URL responds.'),
    sha256: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, 'expected 64 hexadecimal digits')
      .optional()
      .describe('Of a URL: SHA-256 of the text; any other text is refused.'),
    allow: z
      .array(z.enum(SOURCE_SECTIONS))
      .default([...SOURCE_SECTIONS])
      .describe('Sections that the source may set: tasks, and labels of all its tasks.'),
  })
  .refine(({ directory, url }) => (directory === undefined) !== (url === undefined), {
    error: 'needs either directory or url',
  });

/** Sources of tasks in addition to this file and the API. */
export const sourcesSection = z
  .array(source)
  .max(20)
  .default([])
  .describe('Folders and URLs with further tasks, watched while the agent runs.');

/** One source, as configured. */
export type SourceSettings = z.output<typeof sourcesSection>[number];
