import * as z from 'zod';
import { labelNameOf } from './label-name.ts';
import { listOf } from './list-of.ts';
import { duration } from './units.ts';

/** Labels that a task can't add: they are part of the identity of its series. */
const IDENTITY_LABELS = ['job', 'instance', 'task', 'script'];

/** The longest interval of a task. */
const LONGEST_MS = 86_400_000;

/** The name of a task, unique across all sources. */
const taskId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/, 'expected a-z, 0-9, and _ . - after the first character, at most 63')
  .describe('Name of the task, unique over all sources.');

/** The settings of every task; its type adds its own options. */
export const commonTaskOptions = z.strictObject({
  id: taskId,
  type: z.string().describe('Type of the task.'),
  enabled: z.boolean().default(true).describe('Whether the task is enabled.'),
  interval: duration(0, LONGEST_MS)
    .prefault('30s')
    .describe('How often it runs, at least 1s; 0s, for exec only, runs it on demand only.'),
  offset: duration(0, LONGEST_MS)
    .optional()
    .describe('When within the interval it runs; a hash of cluster, node and id when unset.'),
  timeout: duration(10, LONGEST_MS)
    .optional()
    .describe('Time after which a run is cancelled; when unset, 10s or the interval, whichever is less.'),
  deadline: duration(10, LONGEST_MS)
    .optional()
    .describe(
      'Time after which a run that has not ended counts as stuck; when unset, the timeout plus 1s, at most the interval (exec: plus 3.5s).',
    ),
  labels: z
    .record(
      labelNameOf().refine((name) => !IDENTITY_LABELS.includes(name), {
        error: `${IDENTITY_LABELS.join(', ')} are set by the agent`,
      }),
      z.string().min(1),
    )
    .default({})
    .describe('Labels on all series of the task.'),
  job: z.string().min(1).optional().describe('Label job of its series, for probes.'),
});

/** The validated common options of all tasks. Durations are milliseconds. */
export type CommonTaskOptions = z.output<typeof commonTaskOptions>;

const range = z.string().regex(/^[0-9a-fA-F:.]+(?:\/\d{1,3})?$/, 'expected an address range such as 169.254.0.0/16');

/** The sections about tasks; the options of each type are checked when the type is loaded. */
export const tasksSection = z
  .array(z.looseObject({ id: taskId, type: z.string() }))
  .default([])
  .describe('Custom collections, each with its own interval; docs/tasks.md lists the types.');

/** How tasks run, and which types are accepted from which source. */
export const taskRunnerSection = z
  .strictObject({
    max: z.int().min(1).max(5000).default(1000).describe('Maximum number of tasks from all sources together.'),
    concurrency: z
      .int()
      .min(1)
      .max(1000)
      .default(50)
      .describe('Maximum number of concurrent runs; tasks whose last run took over a second have four times as many.'),
    allowFromApi: listOf()
      .default([])
      .describe(
        'Task types accepted from the API although they can do harm (exec; from a URL, `sha256` of the source allows it), or whose tasks from the API and URLs may connect to loopback and link-local addresses (http, tcp, …).',
      ),
    denyAddresses: z
      .array(range)
      .default(['169.254.0.0/16', 'fd00:ec2::254/128'])
      .describe('Address ranges that no task may connect to; checked after a name is resolved.'),
  })
  .prefault({});
