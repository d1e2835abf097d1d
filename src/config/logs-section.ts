import * as z from 'zod';
import { PRIORITIES } from '../base/syslog.ts';
import { listOf } from './list-of.ts';
import { duration, encodingName, fileGlob, filePath, pattern } from './units.ts';

const names = (what: string) => listOf().max(1000).default([]).describe(what);

const maxAge = duration(1000).optional().describe('How far back `boot` and `oldest` go; no limit when unset.');

const priority = z
  .enum(PRIORITIES)
  .default('debug')
  .describe('Minimum priority: `err` ships `crit`, `alert` and `emerg` as well.');

const journal = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Whether entries of the journal are shipped.'),
    paths: z
      .array(filePath('A folder.'))
      .min(1)
      .default(['/var/log/journal', '/run/log/journal'])
      .describe('Folders of the journal as seen by the agent.'),
    start: z
      .enum(['now', 'boot', 'oldest'])
      .default('now')
      .describe('Where to start when nothing has been shipped yet: new entries only, those of this boot, or all.'),
    maxAge,
    units: names('Only entries of these units, as matched by `journalctl -u`; all when empty.'),
    identifiers: names('Only entries with these syslog identifiers; all when empty.'),
    priority,
    matches: z
      .array(z.record(z.string().min(1), z.string()))
      .max(100)
      .default([])
      .describe('Only entries that have all values of one of these maps, as FIELD: value; all when empty.'),
  })
  .prefault({});

const kernel = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Whether kernel messages are shipped; the source `journal` then omits them.'),
    source: z
      .enum(['auto', 'journal', 'kmsg'])
      .default('auto')
      .describe('Source of the messages: `auto` reads the journal if there is one, else /dev/kmsg; never both.'),
    start: z
      .enum(['now', 'boot', 'oldest'])
      .default('now')
      .describe('Where to start when nothing has been shipped yet; /dev/kmsg has nothing older than this boot.'),
    maxAge,
    priority,
  })
  .prefault({});

const snmp = z
  .strictObject({ enabled: z.boolean().default(false).describe('Whether SNMP traps are shipped.') })
  .prefault({});

const events = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Whether Kubernetes events are shipped by the leader.'),
  })
  .prefault({});

const files = z.strictObject({
  paths: z
    .array(fileGlob)
    .min(1)
    .max(100)
    .describe('Files, with `*`, `?` and `[…]` within a name; compressed files are skipped.'),
  exclude: z.array(pattern()).max(100).default([]).describe('Paths to exclude.'),
  pattern: pattern().optional().describe('Only lines that match; all when unset.'),
  encoding: encodingName.default('utf-8').describe('Character encoding, as a label of the Encoding Standard.'),
  start: z
    .enum(['end', 'beginning'])
    .default('end')
    .describe('Where to start in files present at the first start; files created later are read from the beginning.'),
});

const redaction = z.strictObject({
  pattern: pattern().describe(
    'Regular expression; its groups, or the whole match when it has none, are replaced by `***`.',
  ),
  fields: names('Only in these fields; in all fields, including the message, when empty.'),
});

/** Shipping of log entries; none of its code is loaded while no source is enabled. */
export const logsSection = z
  .strictObject({
    journal: journal.describe('Entries of the journal.'),
    kernel: kernel.describe('Messages of the kernel, from the journal (its `paths`) or /dev/kmsg.'),
    events: events.describe('Kubernetes events that `collectors.event` counts; needs spool.path.'),
    snmp: snmp.describe('SNMP traps that `collectors.snmp` receives; needs spool.path.'),
    files: z
      .array(files)
      .max(100)
      .default([])
      .refine((all) => new Set(all.map(({ paths }) => paths.join(','))).size === all.length, {
        error: 'two entries have the same paths',
      })
      .describe('Lines of log files; none when empty.'),
    redact: z
      .array(redaction)
      .max(100)
      .default([])
      .describe('Patterns removed from the values of all entries before they leave the process.'),
  })
  .prefault({})
  .describe(
    'Log entries for exporters that accept them: journald, victorialogs, loki, elasticsearch; see docs/log-shipping.md.',
  );

/** One entry of `logs.files`. */
export type ShippedFiles = z.output<typeof files>;

/** The parsed {@link logsSection}. */
export type LogsSection = z.output<typeof logsSection>;
