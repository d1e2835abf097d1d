import * as z from 'zod';
import { recordOf } from '../base/records.ts';
import { GROUPS } from '../metrics/group.ts';
import { electionSection } from './election-section.ts';
import type { ExporterSettings } from './exporter-settings.ts';
import { httpSection } from './http-section.ts';
import { type Declared, labelConflicts } from './label-conflicts.ts';
import { labelNameOf } from './label-name.ts';
import { listOf } from './list-of.ts';
import { localPushSection } from './local-push-section.ts';
import { logsSection } from './logs-section.ts';
import { relabelRules } from './relabel-schema.ts';
import { scrapeSection } from './scrape-schema.ts';
import { sourcesSection } from './sources-section.ts';
import { taskRunnerSection, tasksSection } from './tasks-section.ts';
import { bytes, duration, filePath, pattern } from './units.ts';

const labelName = labelNameOf();

/** Set by `identity`, separately for each group. */
const IDENTITY_LABELS = ['job', 'instance'];

const addedLabels = z.record(
  labelName.refine((name) => !IDENTITY_LABELS.includes(name), {
    error: 'job and instance are set by identity, separately for each group',
  }),
  z.string().min(1),
);

const push = z
  .strictObject({
    interval: duration(1000, 3_600_000)
      .refine((value) => value % 1000 === 0, 'must be whole seconds')
      .prefault('15s')
      .describe('How often everything is collected and pushed; need not divide a minute.'),
    deadline: duration(100, 3_600_000)
      .optional()
      .describe('How long a collector may take; 80 % of the interval when unset.'),
    phase: z
      .union([z.literal('auto'), duration(0, 3_600_000)], { error: 'expected auto or a duration such as 0s or 2500ms' })
      .default('auto')
      .describe("When within the interval: auto spreads the nodes by their names' hash; 0s aligns all of them."),
  })
  .prefault({});

const paths = z
  .strictObject({
    procfs: filePath("The host's /proc as seen from here.").default('/proc'),
    sysfs: filePath("The host's /sys as seen from here.").default('/sys'),
    rootfs: filePath("The host's / as seen from here; removed from mount point labels.").default('/'),
    udev: filePath("udev's database.").default('/run/udev/data'),
    cgroup: filePath('Where the cgroup hierarchies are mounted.').default('/sys/fs/cgroup'),
  })
  .prefault({});

const spool = z
  .strictObject({
    path: filePath(
      'Folder for batches that receivers do not accept, with a subfolder for each exporter; nothing is spooled when unset.',
    ).optional(),
    maxBytes: bytes(64 * 1024)
      .prefault('256MiB')
      .describe('Limit for each exporter; beyond it the oldest batches are dropped.'),
    maxAge: duration(1000).prefault('6h').describe('Older batches are dropped.'),
  })
  .prefault({});

const groupIdentity = (job: string, instance: string, labels: Record<string, string> = {}) =>
  z
    .strictObject({
      job: z.string().min(1).default(job).describe('The label job.'),
      instance: z.string().min(1).default(instance).describe('The label instance; {node} and {cluster} are replaced.'),
      labels: addedLabels.default(labels).describe('Further labels on all series of the group.'),
    })
    .prefault({});

/** A group whose series carry their own job and instance. */
const inlineIdentity = (labels: Record<string, string>) =>
  z
    .strictObject({
      labels: addedLabels
        .default(labels)
        .describe('Further labels on all series of the group, which carry their own job and instance.'),
    })
    .prefault({});

/** The label contract: what public dashboards expect from the systems that Firesteel replaces. */
const identity = z
  .strictObject({
    node: groupIdentity('node-exporter', '{node}'),
    container: groupIdentity('kubelet', '{node}', { metrics_path: '/metrics/cadvisor', node: '{node}' }),
    kubelet: groupIdentity('kubelet', '{node}', { metrics_path: '/metrics', node: '{node}' }),
    process: groupIdentity('process-exporter', '{node}', { node: '{node}' }),
    ksm: groupIdentity('kube-state-metrics', 'kube-state-metrics'),
    agent: groupIdentity('firesteel', '{node}'),
    probe: inlineIdentity({ node: '{node}' }),
    scrape: inlineIdentity({ node: '{node}' }),
    pushed: inlineIdentity({ node: '{node}' }),
    exec: groupIdentity('exec', '{node}', { node: '{node}' }),
    log: groupIdentity('firesteel-log', '{node}', { node: '{node}' }),
    event: groupIdentity('kube-events', 'kube-events'),
  })
  .prefault({});

/** Processing of the series of one group before they are pushed. */
const groupSettings = z
  .strictObject({
    metricAllowlist: listOf()
      .pipe(z.array(pattern()))
      .default([])
      .describe('Push only families whose name matches one of these regular expressions (unanchored); all when empty.'),
    metricDenylist: listOf()
      .pipe(z.array(pattern()))
      .default([])
      .describe('Drop families whose name matches one of these regular expressions (unanchored).'),
    relabel: relabelRules().describe(
      'Relabel rules for the series of the group, as in Prometheus; applied before the global ones.',
    ),
  })
  .prefault({});

const groups = z.strictObject(recordOf(GROUPS, () => groupSettings)).prefault({});

const seriesLimit = z.int().min(1);

/** Generous for a real node or large cluster, and far below what overloads a receiver. */
const budget = z
  .strictObject({
    groups: z
      .strictObject({
        node: seriesLimit.default(100_000),
        container: seriesLimit.default(250_000),
        kubelet: seriesLimit.default(50_000),
        process: seriesLimit.default(100_000),
        ksm: seriesLimit.default(10_000_000),
        agent: seriesLimit.default(20_000),
        probe: seriesLimit.default(50_000),
        scrape: seriesLimit.default(250_000),
        pushed: seriesLimit.default(100_000),
        exec: seriesLimit.default(50_000),
        log: seriesLimit.default(50_000),
        event: seriesLimit.default(50_000),
      })
      .prefault({})
      .describe('Maximum number of series of each group.'),
    family: seriesLimit.optional().describe('Maximum number of series of any one family.'),
    families: z
      .record(z.string().min(1), seriesLimit)
      .default({})
      .describe('Maximum number of series of individual families, by name.'),
  })
  .prefault({});

/** VictoriaMetrics' defaults: -maxLabelsPerTimeseries, -maxLabelNameLen, -maxLabelValueLen. */
const limits = z
  .strictObject({
    labels: z
      .int()
      .min(2)
      .default(40)
      .describe(
        'Maximum number of labels of a series, including its name and the labels of the push; like -maxLabelsPerTimeseries.',
      ),
    nameBytes: bytes(1).prefault('256B').describe('Maximum size of a label name in bytes; like -maxLabelNameLen.'),
    valueBytes: bytes(1).prefault('4KiB').describe('Maximum size of a label value in bytes; like -maxLabelValueLen.'),
  })
  .prefault({});

/** The log levels, in ascending order. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** The sections of the configuration that other parts describe. */
interface SectionSchemas<Collectors extends z.ZodType> {
  readonly collectors: Collectors;
  /** One exporter: a union over `type`. */
  readonly exporter: z.ZodType<ExporterSettings>;
  /** A label that is added to every series must not be among these ({@link labelConflicts}). */
  readonly declared?: Declared<z.output<Collectors>>;
}

/** The schema of the whole configuration. */
export const configSchema = <Collectors extends z.ZodType>({
  collectors,
  exporter,
  declared = () => new Map(),
}: SectionSchemas<Collectors>) =>
  configShape(collectors, exporter).superRefine((config, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    const {
      cluster,
      labels,
      identity,
      logs,
      spool: { path: spoolPath },
      collectors: section,
    } = config as CoreConfig & { collectors: z.output<Collectors> };
    if (cluster !== undefined && labels.cluster !== undefined) {
      refuse(['labels', 'cluster'], 'use the setting cluster for this label; it is set as well');
    }
    if (logs.snmp.enabled && spoolPath === undefined) {
      refuse(['logs', 'snmp', 'enabled'], 'needs spool.path: traps are stored on disk until they are acknowledged');
    }
    if (logs.events.enabled && spoolPath === undefined) {
      refuse(['logs', 'events', 'enabled'], 'needs spool.path: events are stored on disk until they are acknowledged');
    }
    for (const { path, refused } of labelConflicts({ labels, identity }, declared(section))) {
      if (refused !== undefined) refuse([...path], refused);
    }
  });

const configShape = <Collectors extends z.ZodType>(collectors: Collectors, exporter: z.ZodType<ExporterSettings>) =>
  z.strictObject({
    cluster: z.string().min(1).optional().describe('Name of the cluster: label `cluster` on every series.'),
    node: z.string().min(1).optional().describe('Name of this node; NODE_NAME, else the host name, when unset.'),
    labels: addedLabels.default({}).describe('Labels on every series.'),
    log: z.strictObject({ level: z.enum(LOG_LEVELS).default('info') }).prefault({}),
    push,
    election: electionSection.describe('Which of several agents with the ksm collector pushes.'),
    http: httpSection,
    budget: budget.describe(
      'How many series may be pushed; beyond that, whole families are dropped, the largest first.',
    ),
    limits: limits.describe(
      'Limits of VictoriaMetrics and vmagent for a series: they drop series beyond these without an error, so the agent counts and reports them.',
    ),
    relabel: relabelRules().describe(
      'Relabel rules for all series, as in Prometheus (`metric_relabel_configs`); applied after those of the group and before those of an exporter.',
    ),
    scrape: scrapeSection.describe('Targets that this agent scrapes: pods of its node, and fixed targets.'),
    groups: groups.describe('Which series of each group are dropped or relabeled.'),
    paths,
    collectors,
    tasks: tasksSection,
    taskRunner: taskRunnerSection,
    sources: sourcesSection,
    localPush: localPushSection,
    logs: logsSection,
    spool: spool.describe('Batches on disk while a receiver is down; not used for a pushgateway.'),
    exporters: z
      .record(z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, 'names have letters, digits, - _ . only'), exporter)
      .default({})
      .describe('The receivers, by a name of your choice.'),
    identity: identity.describe('Labels that identify the series of each group at the receivers.'),
  });

/** The parsed configuration without the collectors' section, for the parts outside of collection. */
export type CoreConfig = Omit<z.output<ReturnType<typeof configShape<z.ZodUnknown>>>, 'collectors'>;
