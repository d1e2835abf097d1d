import * as z from 'zod';
import { httpAuth } from './http-auth.ts';
import { httpUrl } from './http-url.ts';
import { listOf } from './list-of.ts';
import { relabelRules } from './relabel-schema.ts';
import { bytes, duration, filePath } from './units.ts';

const tls = z
  .strictObject({
    caFile: filePath("Certificate authorities that sign the target; the system's when unset.").optional(),
    certFile: filePath('Client certificate.').optional(),
    keyFile: filePath('Key of the client certificate.').optional(),
    serverName: z.string().min(1).optional().describe('Name expected in the certificate, when not the host name.'),
    insecureSkipVerify: z.boolean().default(false).describe('Skip certificate verification.'),
  })
  .refine((value) => (value.certFile === undefined) === (value.keyFile === undefined), {
    error: 'certFile and keyFile must be set together',
  });

const DEFAULT_TIMEOUT_MS = 10_000;

/** Settings common to all kinds of targets. */
const own = {
  interval: duration(1000, 3_600_000).optional().describe('Scrape interval; `scrape.interval` when unset.'),
  timeout: duration(100, 600_000).optional().describe('Timeout of a scrape; `scrape.timeout` when unset.'),
  honorLabels: z.boolean().optional().describe('Labels of the page take precedence over those of the target.'),
  honorTimestamps: z.boolean().optional().describe('Keep the timestamps of samples on the page.'),
  auth: httpAuth.optional(),
  tls: tls.optional(),
  relabel: relabelRules().describe('Relabel rules for the target, after those of `scrape.relabel`.'),
  metricRelabel: relabelRules().describe('Relabel rules for the series, before those of `scrape.metricRelabel`.'),
};

const label = z
  .string()
  .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'not a label name')
  .refine((name) => !name.startsWith('__'), 'label names that begin with __ are reserved');
const labels = z.record(label, z.string()).default({}).describe('Labels on all series of the targets.');

const target = z.strictObject({
  job: z.string().min(1),
  urls: z
    .array(httpUrl('http://127.0.0.1:9100/metrics'))
    .min(1)
    .max(1000)
    .describe('URLs with a path; /metrics when they have none.'),
  labels,
  ...own,
});

const requirement = z
  .strictObject({
    key: z.string().min(1),
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
    values: z.array(z.string().regex(/^[^,]*$/, 'a label value has no commas: make it several items')).default([]),
  })
  .describe('As in a Kubernetes label selector.');

const pods = z.strictObject({
  name: z.string().min(1).describe('Name of the entry on the status page.'),
  job: z
    .string()
    .min(1)
    .optional()
    .describe(
      '{namespace}, {pod}, {container}, {controller} and {name} are replaced; `{namespace}/{name}` when unset.',
    ),
  namespaceSelector: z
    .strictObject({ matchNames: listOf().default([]) })
    .prefault({})
    .describe('Only pods in these namespaces; all when empty.'),
  selector: z
    .strictObject({
      matchLabels: z.record(z.string(), z.string()).default({}),
      matchExpressions: z.array(requirement).default([]),
    })
    .prefault({})
    .describe('Only pods with these labels; all pods when empty. The source of pods must report these labels.'),
  port: z
    .union([z.string().min(1), z.int().min(1).max(65535)])
    .optional()
    .describe('Name or number of a container port; every declared port when unset.'),
  path: z.string().startsWith('/').default('/metrics'),
  scheme: z.enum(['http', 'https']).default('http'),
  params: z.record(z.string(), z.array(z.string())).default({}),
  onlyReady: z.boolean().default(false).describe('Skip pods that are not ready.'),
  labels,
  ...own,
});

/** The section `scrape`. */
export const scrapeSection = z
  .strictObject({
    annotations: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Scrape the pods of this node that opt in with annotations.'),
        prefix: z
          .string()
          .regex(/^[a-z0-9.-]+$/, 'a prefix of annotations such as prometheus.io')
          .default('prometheus.io')
          .describe('Prefix of the annotations `/scrape`, `/port`, `/path`, `/scheme` and `/param_*`.'),
        job: z
          .string()
          .min(1)
          .default('{namespace}/{controller}')
          .describe('{namespace}, {pod}, {container} and {controller} are replaced.'),
        onlyReady: z.boolean().default(false).describe('Skip pods that are not ready.'),
      })
      .prefault({}),
    pods: z
      .array(pods)
      .max(100)
      .default([])
      .describe('Pods of this node selected by their labels, as with a PodMonitor.'),
    targets: z.array(target).max(1000).default([]).describe('Fixed targets.'),
    interval: duration(1000, 3_600_000).prefault('30s').describe('Interval between two scrapes of a target.'),
    timeout: duration(100, 600_000)
      .optional()
      .describe('Timeout of a scrape; 10s when unset, or the interval if that is shorter.'),
    honorLabels: z
      .boolean()
      .default(false)
      .describe('Labels of the page take precedence over those of the target; otherwise they become exported_*.'),
    honorTimestamps: z.boolean().default(false).describe('Keep the timestamps of samples on pages.'),
    relabel: relabelRules().describe(
      'Relabel rules for all targets, with `__address__`, `__metrics_path__`, `__param_*` and `__meta_kubernetes_*`.',
    ),
    metricRelabel: relabelRules().describe('Relabel rules for all scraped series, before those of the group.'),
    limits: z
      .strictObject({
        body: bytes(1024).prefault('16MiB').describe('Maximum size of one page, decompressed.'),
        samples: z.int().min(1).default(50_000).describe('Maximum number of samples of one page.'),
        series: z
          .int()
          .min(1)
          .optional()
          .describe(
            'Maximum number of distinct series of one target within a day; samples of further series are dropped. No limit when unset.',
          ),
        labels: z
          .int()
          .min(1)
          .default(60)
          .describe('Maximum number of labels of one sample, not counting those of the target.'),
        labelBytes: bytes(16).prefault('4KiB').describe('Maximum bytes of the name and value of one label together.'),
        targets: z
          .int()
          .min(1)
          .max(5000)
          .default(200)
          .describe('Maximum number of targets; any beyond are reported, but not scraped.'),
        pending: bytes(64 * 1024)
          .prefault('16MiB')
          .describe('Maximum compressed bytes that wait for the next push; the oldest scrapes are dropped first.'),
      })
      .prefault({})
      .describe(
        'A page over `body`, `samples`, `labels` or `labelBytes` is rejected as a whole: `up` is 0, with the reason on the status page.',
      ),
  })
  .superRefine(({ interval, timeout, targets, pods }, context) => {
    const check = (path: (string | number)[], own: { interval?: number | undefined; timeout?: number | undefined }) => {
      // The default timeout is reduced to a shorter interval; a configured one that is longer is a mistake.
      if (own.timeout === undefined || own.timeout <= (own.interval ?? interval)) return;
      context.addIssue({ code: 'custom', path: [...path, 'timeout'], message: 'must not be longer than the interval' });
    };
    check([], { timeout, interval });
    for (const [index, one] of targets.entries()) check(['targets', index], one);
    for (const [index, one] of pods.entries()) check(['pods', index], one);
  })
  .transform(({ timeout, ...settings }) => ({
    ...settings,
    timeout: timeout ?? Math.min(DEFAULT_TIMEOUT_MS, settings.interval),
  }))
  .prefault({});

/** The output of {@link scrapeSection}. */
export type ScrapeSettings = z.output<typeof scrapeSection>;
export type StaticTarget = ScrapeSettings['targets'][number];
export type PodEntry = ScrapeSettings['pods'][number];
export type Requirement = PodEntry['selector']['matchExpressions'][number];

/** Whether there is anything to scrape. */
export const isScraping = ({ annotations, pods, targets }: ScrapeSettings): boolean =>
  annotations.enabled || pods.length > 0 || targets.length > 0;

/** Whether the pods of this node are needed. */
export const wantsPods = ({ annotations, pods }: ScrapeSettings): boolean => annotations.enabled || pods.length > 0;
