import * as z from 'zod';
import { duration, filePath, pattern } from '../../config/units.ts';

/** The names of syslog's priorities, most urgent first. */
export const PRIORITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const;

/** One rule of `collectors.journal.rules`. */
export const journalRule = z
  .strictObject({
    name: z.string().min(1).max(64).describe('Label `rule` of what it counts.'),
    unit: z.string().min(1).optional().describe('The unit of the entry, as `journalctl -u` has it.'),
    priority: z
      .enum(PRIORITIES)
      .optional()
      .describe('The least priority: `err` also counts `crit`, `alert` and `emerg`.'),
    match: z
      .record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/, 'names of fields have capitals, digits and _ only'), z.string())
      .default({})
      .describe('Fields of the entry and the values that they must have.'),
    pattern: pattern().optional().describe('Expression that must match MESSAGE; its named groups become labels.'),
    maxSeries: z.int().min(1).max(10_000).default(100).describe('More are counted as `__other__`.'),
  })
  .refine(({ pattern: given }) => given?.groupNames.includes('rule') !== true, {
    error: 'no group can be called rule, which is a label already',
    path: ['pattern'],
  });

export type JournalRule = z.output<typeof journalRule>;

export const journalOptions = z.strictObject({
  paths: z
    .array(filePath('A folder of journal files, or of such folders.'))
    .min(1)
    .default(['/var/log/journal', '/run/log/journal'])
    .describe('Where the journal is, as seen from here; also for the kernel collector.'),
  start: z
    .enum(['cursor', 'now', 'boot'])
    .default('cursor')
    .describe(
      'Where to begin: where the last run ended, else now; always now; or where the last run ended, else with this boot.',
    ),
  maxAge: duration(1000).prefault('1h').describe('How far back `boot` goes.'),
  budget: z
    .int()
    .min(100)
    .max(1_000_000)
    .default(20_000)
    .describe('Entries of one cycle; the rest follow in the next.'),
  units: z
    .array(z.string().min(1))
    .default([])
    .describe('Units that keep their own name although others like them are counted together, such as `x@1.service`.'),
  maxUnits: z.int().min(1).max(10_000).default(500).describe('Entries of more units are counted as `__other__`.'),
  rules: z.array(journalRule).default([]).describe('What else to count.'),
});

export type JournalOptions = z.output<typeof journalOptions>;

/** One rule of `collectors.kernel.rules`. */
export const kernelRule = z.strictObject({
  reason: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'a reason is a word of letters, digits, _ and -')
    .describe('Label `reason`; one that is built in is replaced.'),
  pattern: pattern().describe('Expression that matches the message.'),
  type: z.string().min(1).max(64).optional().describe('With a type the problem also has a `problem_gauge`.'),
  clear: pattern().optional().describe('Expression of a message that ends it; without, ten minutes of silence do.'),
});

export type KernelRuleOptions = z.output<typeof kernelRule>;

export const kernelOptions = z.strictObject({
  source: z
    .enum(['auto', 'journal', 'kmsg'])
    .default('auto')
    .describe('Where the messages are read: `auto` takes the journal if there is one, else /dev/kmsg; never both.'),
  start: z
    .enum(['now', 'boot'])
    .default('now')
    .describe('What to read of /dev/kmsg at the first start; of the journal `collectors.journal.start` says it.'),
  maxAge: duration(1000).prefault('5m').describe('How far back `boot` goes.'),
  budget: z.int().min(100).max(1_000_000).default(50_000).describe('Messages of one cycle from /dev/kmsg.'),
  rules: z
    .array(kernelRule)
    .default([])
    .describe('Further messages that count as problems; one with the reason of a built-in rule takes its place.'),
});

export type KernelOptions = z.output<typeof kernelOptions>;
