import * as z from 'zod';
import { bytes, duration, filePath, pattern } from '../../config/units.ts';
import { isLabelName, isMetricName } from '../../metrics/family.ts';

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

const metricName = z.string().refine(isMetricName, 'names of metrics have letters, digits, _ and : only');
const groupName = z
  .string()
  .refine(isLabelName, 'names of labels have letters, digits and _ only, and do not begin with __')
  .refine((name) => name !== 'logfile' && name !== 'le', 'logfile and le are labels already');

/** One rule of `collectors.log.files[].rules`. */
export const logRule = z
  .strictObject({
    metric: metricName.default('log_matches_total').describe('Name of the metric that it counts into.'),
    type: z.enum(['counter', 'gauge', 'histogram']).default('counter').describe('Type of the metric.'),
    help: z.string().min(1).optional().describe('Help text of the metric.'),
    pattern: pattern().describe('Expression that matches the line; groups are named `(?P<name>…)`.'),
    labels: z
      .array(groupName)
      .max(10)
      .default([])
      .describe('Named groups that become labels, with at most 64 characters.'),
    value: z
      .string()
      .min(1)
      .optional()
      .describe('Named group with the number that a counter adds, a gauge shows, or a histogram observes.'),
    buckets: z
      .array(z.number())
      .min(1)
      .max(50)
      .default([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
      .describe('Upper bounds of a histogram.'),
    maxSeries: z.int().min(1).max(10_000).default(100).describe('More are counted as `__other__`.'),
  })
  .superRefine(({ type, pattern: given, labels, value, buckets }, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const { groupNames } = given;
    for (const name of [...labels, ...(value === undefined ? [] : [value])]) {
      if (!groupNames.includes(name)) refuse('pattern', `has no group (?P<${name}>…), which the rule uses`);
    }
    if (type !== 'counter' && value === undefined) refuse('value', `a ${type} needs the group that has its value`);
    if (buckets.some((bound, index) => index > 0 && bound <= (buckets[index - 1] as number))) {
      refuse('buckets', 'bounds must ascend');
    }
  });

export type LogRule = z.output<typeof logRule>;

const encodingName = z.string().refine((name) => {
  try {
    return new TextDecoder(name) !== undefined;
  } catch {
    return false;
  }
}, 'unknown encoding; some that are known: utf-8, latin1, gbk, gb18030, big5, shift_jis, euc-kr, utf-16le');

const logFile = z.strictObject({
  paths: z
    .array(
      z
        .string()
        .startsWith('/', 'paths are absolute')
        .refine((path) => !path.includes('**'), '** would walk whole trees: name each level, with * where needed'),
    )
    .min(1)
    .describe('Files, with `*`, `?` and `[…]`; compressed ones are left out.'),
  exclude: z.array(pattern()).default([]).describe('Paths that are left out.'),
  encoding: encodingName.default('utf-8').describe('Encoding of the lines, by its label of the Encoding Standard.'),
  start: z
    .enum(['end', 'beginning'])
    .default('end')
    .describe('Where to begin in files that are there at the first start; files that come later are read as a whole.'),
  perFile: z.boolean().default(false).describe('Label `logfile` is the path, and not what is written in `paths`.'),
  drop: z.array(pattern()).default([]).describe('Lines that no rule looks at.'),
  rules: z.array(logRule).default([]).describe('What to count; every rule that matches does.'),
});

export type LogFileOptions = z.output<typeof logFile>;

export const logOptions = z.strictObject({
  files: z.array(logFile).default([]).describe('Which files to follow, and what to count in them.'),
  poll: duration(100, 60_000).prefault('1s').describe('How often files are read between the cycles.'),
  budget: bytes(64 * 1024)
    .prefault('64MiB')
    .describe('Most that is read at a time; the rest follows, see `log_lag_bytes`.'),
  closeAfter: duration(1000).prefault('1h').describe('Files that have not grown for so long are closed.'),
});

export type LogOptions = z.output<typeof logOptions>;
