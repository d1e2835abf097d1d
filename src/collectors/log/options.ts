import * as z from 'zod';
import { PRIORITIES } from '../../base/syslog.ts';
import { listOf } from '../../config/list-of.ts';
import { bytes, duration, encodingName, fileGlob, filePath, pattern } from '../../config/units.ts';
import { isLabelName, isMetricName } from '../../metrics/family.ts';
import { CONTAINER_LABELS } from './families.ts';

/** One rule of `collectors.journal.rules`. */
const journalRule = z
  .strictObject({
    name: z.string().min(1).max(64).describe('Value of the label `rule`.'),
    unit: z.string().min(1).optional().describe('Unit of the entry, as matched by `journalctl -u`.'),
    priority: z
      .enum(PRIORITIES)
      .optional()
      .describe('Minimum priority: `err` also counts `crit`, `alert` and `emerg`.'),
    match: z
      .record(
        z.string().regex(/^[A-Z_][A-Z0-9_]*$/, 'field names may contain only capital letters, digits and _'),
        z.string(),
      )
      .default({})
      .describe('Fields of the entry and their required values.'),
    pattern: pattern()
      .optional()
      .describe('Regular expression that must match MESSAGE; its named groups become labels.'),
    maxSeries: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe('Maximum number of series; the rest are counted as `__other__`.'),
  })
  .refine(({ pattern: given }) => given?.groupNames.includes('rule') !== true, {
    error: 'a group cannot be named rule: the label already exists',
    path: ['pattern'],
  });

export type JournalRule = z.output<typeof journalRule>;

export const journalOptions = z.strictObject({
  paths: z
    .array(filePath('Folder of journal files, or parent of such folders.'))
    .min(1)
    .default(['/var/log/journal', '/run/log/journal'])
    .describe('Paths of the journal as seen by the agent; also used by the kernel collector.'),
  start: z
    .enum(['cursor', 'now', 'boot'])
    .default('cursor')
    .describe(
      'Where to start: `cursor` at the saved position, else now; `now` always now; `boot` at the saved position, else at the start of this boot.',
    ),
  maxAge: duration(1000).prefault('1h').describe('How far back `boot` goes at most.'),
  budget: z
    .int()
    .min(100)
    .max(1_000_000)
    .default(20_000)
    .describe('Maximum entries per cycle; the rest follow in the next.'),
  units: listOf()
    .default([])
    .describe('Units reported under their own name instead of being grouped with similar ones, such as `x@1.service`.'),
  maxUnits: z
    .int()
    .min(1)
    .max(10_000)
    .default(500)
    .describe('Maximum number of units; the rest are counted as `__other__`.'),
  rules: z.array(journalRule).default([]).describe('Rules for counting further entries.'),
});

export type JournalOptions = z.output<typeof journalOptions>;

/** One rule of `collectors.kernel.rules`. */
const kernelRule = z.strictObject({
  reason: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'a reason may contain only letters, digits, _ and -')
    .describe('Value of the label `reason`; replaces a built-in rule with the same reason.'),
  pattern: pattern().describe('Regular expression that matches the message.'),
  type: z.string().min(1).max(64).optional().describe('If set, the problem is also reported as `problem_gauge`.'),
  clear: pattern()
    .optional()
    .describe(
      'Regular expression of a message that clears the problem; otherwise it clears after ten minutes of silence.',
    ),
});

export type KernelRuleOptions = z.output<typeof kernelRule>;

export const kernelOptions = z.strictObject({
  source: z
    .enum(['auto', 'journal', 'kmsg'])
    .default('auto')
    .describe('Source of the messages: `auto` uses the journal if available, else /dev/kmsg; never both.'),
  start: z
    .enum(['now', 'boot'])
    .default('now')
    .describe('Where to start in /dev/kmsg on the first run; for the journal, `collectors.journal.start` applies.'),
  maxAge: duration(1000).prefault('5m').describe('How far back `boot` goes at most.'),
  budget: z.int().min(100).max(1_000_000).default(50_000).describe('Maximum messages per cycle from /dev/kmsg.'),
  rules: z
    .array(kernelRule)
    .default([])
    .describe('Additional messages that count as problems; a rule with the reason of a built-in rule replaces it.'),
});

export type KernelOptions = z.output<typeof kernelOptions>;

const metricName = z.string().refine(isMetricName, 'metric names may contain only letters, digits, _ and :');
const groupName = (reserved: readonly string[]) =>
  z
    .string()
    .refine(isLabelName, 'label names may contain only letters, digits and _, and must not start with __')
    .refine(
      (name) => name !== 'le' && !reserved.includes(name),
      `${[...reserved, 'le'].join(' and ')} are reserved labels`,
    );

/** A rule for lines that have the labels `origin`. */
const ruleOf = (metric: string, origin: readonly string[], maxSeries: number) =>
  z
    .strictObject({
      metric: metricName.default(metric).describe('Metric name.'),
      type: z.enum(['counter', 'gauge', 'histogram']).default('counter').describe('Metric type.'),
      help: z.string().min(1).optional().describe('Help text of the metric.'),
      pattern: pattern().describe('Regular expression that matches the line; groups are named `(?P<name>…)`.'),
      labels: z
        .array(groupName(origin))
        .max(10)
        .default([])
        .describe('Named groups that become labels, truncated to 64 characters.'),
      value: z
        .string()
        .min(1)
        .optional()
        .describe('Named group with the number that a counter adds, a gauge is set to, or a histogram observes.'),
      buckets: z
        .array(z.number())
        .min(1)
        .max(50)
        .default([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
        .describe('Upper bounds of the histogram buckets.'),
      maxSeries: z
        .int()
        .min(1)
        .max(10_000)
        .default(maxSeries)
        .describe('Maximum number of series; the rest are counted as `__other__`.'),
    })
    .superRefine(({ type, pattern: given, labels, value, buckets }, context) => {
      const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
      const { groupNames } = given;
      for (const name of [...labels, ...(value === undefined ? [] : [value])]) {
        if (!groupNames.includes(name)) refuse('pattern', `has no group (?P<${name}>…), which the rule refers to`);
      }
      if (type !== 'counter' && value === undefined) refuse('value', `a ${type} requires a value group`);
      if (buckets.some((bound, index) => index > 0 && bound <= (buckets[index - 1] ?? 0))) {
        refuse('buckets', 'bounds must be in ascending order');
      }
    });

/** One rule of `collectors.log.files[].rules`. */
const logRule = ruleOf('log_matches_total', ['logfile'], 100).safeExtend({
  ship: z
    .boolean()
    .default(false)
    .describe('Ship the lines that match to the exporters of log entries, with the groups of `labels` as labels.'),
});

/** A rule for lines of any origin. */
export type LogRule = z.output<ReturnType<typeof ruleOf>>;

const logFile = z.strictObject({
  paths: z.array(fileGlob).min(1).describe('Files, with `*`, `?` and `[…]`; compressed files are skipped.'),
  exclude: z.array(pattern()).default([]).describe('Paths to exclude.'),
  encoding: encodingName.default('utf-8').describe('Character encoding, as a label of the Encoding Standard.'),
  start: z
    .enum(['end', 'beginning'])
    .default('end')
    .describe('Where to start in files present at the first start; files created later are read from the beginning.'),
  perFile: z
    .boolean()
    .default(false)
    .describe('Set the label `logfile` to the path of the file instead of the pattern in `paths`.'),
  drop: z.array(pattern()).default([]).describe('Regular expressions of lines to ignore.'),
  rules: z.array(logRule).default([]).describe('Rules; every matching rule applies.'),
});

export type LogFileOptions = z.output<typeof logFile>;

const containerLogs = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Whether to follow container logs; requires `collectors.container.identity.source`.'),
    annotation: z
      .string()
      .regex(/^[a-z0-9./-]+$/, 'an annotation such as firesteel.io/logs')
      .default('firesteel.io/logs')
      .describe('Annotation with which a pod opts in: `true`, or the names of containers, separated by commas.'),
    path: filePath('Folder of the pod logs, as seen by the agent.').default('/var/log/pods'),
    start: z
      .enum(['end', 'beginning'])
      .default('end')
      .describe('Where to start in files present at the first start; those of later pods are read from the beginning.'),
    maxFiles: z
      .int()
      .min(1)
      .max(10_000)
      .default(1000)
      .describe('Maximum number of files; any beyond are reported, but not followed.'),
    drop: z.array(pattern()).default([]).describe('Regular expressions of lines to ignore.'),
    rules: z
      .array(ruleOf('container_log_matches_total', CONTAINER_LABELS, 1000))
      .default([])
      .describe('Rules for the lines of every followed container; every matching rule applies.'),
  })
  .prefault({});

export type ContainerLogOptions = z.output<typeof containerLogs>;

export const logOptions = z.strictObject({
  files: z.array(logFile).default([]).describe('Which files to follow, and the rules for their lines.'),
  containers: containerLogs.describe('Logs of containers whose pods opt in with an annotation.'),
  poll: duration(100, 60_000).prefault('1s').describe('How often to read files between the cycles.'),
  budget: bytes(64 * 1024)
    .prefault('64MiB')
    .describe('Maximum bytes per read; the rest is read later, see `log_lag_bytes`.'),
  closeAfter: duration(1000).prefault('1h').describe('Close files that have not grown for this long.'),
});

export type LogOptions = z.output<typeof logOptions>;
