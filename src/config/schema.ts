import * as z from 'zod';
import { GROUPS } from '../metrics/group.ts';
import { bytes, duration } from './units.ts';

const filePath = (what: string) => z.string().min(1).describe(what);

/** Labels that identify series of the collectors: a global label of that name would overwrite them at the receiver. */
const TAKEN_LABELS = new Set([
  'job',
  'instance',
  'node',
  'namespace',
  'pod',
  'container',
  'uid',
  'device',
  'cpu',
  'mode',
]);

const labelName = z
  .string()
  .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'label names have letters, digits and underscores only')
  .refine((name) => !name.startsWith('__'), 'label names that begin with __ are reserved');

const globalLabels = z
  .record(
    labelName.refine((name) => !TAKEN_LABELS.has(name), {
      error: 'this label is set by the collectors; a global one would overwrite it on every series',
    }),
    z.string().min(1),
  )
  .default({});

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

const LISTEN = /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9.-]*):\d{1,5}$/;

const http = z
  .strictObject({
    enabled: z.boolean().default(true),
    listen: z
      .string()
      .regex(LISTEN, 'expected HOST:PORT or :PORT')
      .default('127.0.0.1:9750')
      .describe('Where /healthz, /readyz and /metrics are served; :9750 for all addresses, port 0 for any free one.'),
    tls: z
      .strictObject({
        certFile: filePath('Certificate of this server; read again when it is renewed.'),
        keyFile: filePath('Key of the certificate.'),
      })
      .optional()
      .describe('Serve over TLS.'),
    readTokenFile: filePath(
      'File with the bearer token for all that tells of this agent, /metrics too; anybody may read when unset.',
    ).optional(),
    controlTokenFile: filePath(
      'File with the bearer token for what changes something, good for reading too; nothing can be changed when unset.',
    ).optional(),
    stateFile: filePath(
      'File that remembers collectors switched off for some time; one below spool.path when unset, else a restart forgets.',
    ).optional(),
    podInfoTokenFile: filePath(
      'File with the bearer token that node agents must bring for pod information.',
    ).optional(),
    podInfoTokenReview: z
      .strictObject({
        audiences: z
          .array(z.string().min(1))
          .default([])
          .describe("Audiences of the token; the API server's if empty."),
        users: z
          .array(z.string().min(1))
          .default([])
          .describe('Who may ask, as system:serviceaccount:NAMESPACE:NAME; everybody with a valid token if empty.'),
      })
      .optional()
      .describe('Let the API server check the tokens of node agents instead.'),
  })
  .refine(({ podInfoTokenFile, podInfoTokenReview }) => !podInfoTokenFile || !podInfoTokenReview, {
    error: 'podInfoTokenFile and podInfoTokenReview exclude each other',
  })
  .prefault({});

const paths = z
  .strictObject({
    procfs: filePath("The host's /proc as seen from here.").default('/proc'),
    sysfs: filePath("The host's /sys as seen from here.").default('/sys'),
    rootfs: filePath("The host's / as seen from here; cut from the labels of mount points.").default('/'),
    udev: filePath("udev's database.").default('/run/udev/data'),
    cgroup: filePath('Where the cgroup hierarchies are mounted.').default('/sys/fs/cgroup'),
  })
  .prefault({});

const url = z.string().transform((text, context) => {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const refuse = (message: string) => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  if (parsed === undefined) return refuse('expected a URL such as http://victoria-metrics:8428');
  if (!/^https?:$/.test(parsed.protocol)) return refuse(`expected http:// or https://, found ${parsed.protocol}//`);
  if (parsed.username || parsed.password) return refuse('no credentials in the URL: use auth with a passwordFile');
  return text.replace(/\/+$/, '');
});

const auth = z
  .strictObject({
    username: z.string().min(1).optional(),
    passwordFile: filePath('File with the password of username; read again when it changes.').optional(),
    bearerTokenFile: filePath('File with the bearer token; read again when it changes.').optional(),
  })
  .refine((value) => (value.username === undefined) === (value.passwordFile === undefined), {
    error: 'username and passwordFile belong together',
  })
  .refine((value) => value.username === undefined || value.bearerTokenFile === undefined, {
    error: 'either username with passwordFile or bearerTokenFile, not both',
  });

const tls = z
  .strictObject({
    caFile: filePath('Certificate authorities that sign the receiver; the system’s when unset.').optional(),
    certFile: filePath('Client certificate.').optional(),
    keyFile: filePath('Key of the client certificate.').optional(),
    serverName: z.string().min(1).optional().describe('Name expected in the certificate, when not the host name.'),
    insecureSkipVerify: z.boolean().default(false),
  })
  .refine((value) => (value.certFile === undefined) === (value.keyFile === undefined), {
    error: 'certFile and keyFile belong together',
  });

const exporter = z
  .strictObject({
    type: z
      .enum(['vmagent', 'pushgateway'])
      .describe('vmagent: VictoriaMetrics or vmagent text import; pushgateway: Prometheus Pushgateway.'),
    url: url.describe('Base URL; for VictoriaMetrics also a full import URL or …/insert/0/prometheus of a cluster.'),
    enabled: z.boolean().default(true),
    groups: z
      .array(z.enum(GROUPS))
      .default([...GROUPS])
      .describe('The groups that this receiver gets.'),
    auth: auth.optional(),
    tls: tls.optional(),
    headers: z.record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name'), z.string()).default({}),
    timeout: duration(100, 600_000)
      .optional()
      .describe('How long to wait for the answer; 75s for vmagent, 10s for pushgateway when unset.'),
    retries: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe(
        'How often one body is sent again before it is given up; when unset 3 for pushgateway, no limit for vmagent.',
      ),
    compression: z
      .enum(['zstd', 'gzip'])
      .optional()
      .describe(
        'How bodies are compressed. When unset, a vmagent is asked whether it reads zstd; pushgateway gets gzip.',
      ),
    staleMarkers: z
      .boolean()
      .default(false)
      .describe(
        'End series at once that are gone, of deleted pods say, by remote write; VictoriaMetrics shows them for 5 min else.',
      ),
    failover: z.array(url).default([]).describe('URLs that are used in this order while url does not take bodies.'),
    janitor: z
      .strictObject({
        enabled: z
          .boolean()
          .default(true)
          .describe('Delete groups of nodes that have left the cluster; the master of the state agents does it.'),
        grace: duration(1000, 30 * 86_400_000)
          .prefault('30m')
          .describe('How long nothing must have been pushed to them.'),
        every: duration(1000, 86_400_000).prefault('5m').describe('How often to look.'),
      })
      .prefault({})
      .describe('Cleaning up at a pushgateway.'),
    queue: z
      .strictObject({
        cycles: z.int().min(1).max(100).default(4).describe('Cycles that wait in memory; pushgateway keeps one only.'),
        bytes: bytes(64 * 1024)
          .prefault('8MiB')
          .describe('Compressed bytes that wait in memory; the newest body of each group always may.'),
      })
      .prefault({}),
    spool: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Keep on disk what is too much for memory, if spool.path is set.'),
      })
      .prefault({}),
    drain: z
      .strictObject({
        bytesPerSecond: bytes(1024).prefault('4MiB').describe('At most so many bytes a second of older bodies.'),
        share: z.number().min(0.01).max(1).default(0.5).describe('Part of the time that may go into older bodies.'),
      })
      .prefault({})
      .describe('How fast bodies on disk are sent once the receiver is back; new ones always go first.'),
  })
  .refine(({ type, staleMarkers }) => type !== 'pushgateway' || !staleMarkers, {
    error: 'a Pushgateway has no stale markers: what is gone is replaced by the next push',
    path: ['staleMarkers'],
  })
  .refine(({ type, compression }) => type !== 'pushgateway' || compression !== 'zstd', {
    error: 'a pushgateway reads gzip only',
    path: ['compression'],
  });

/** Settings of one receiver. */
export type ExporterSettings = z.output<typeof exporter>;

const spool = z
  .strictObject({
    path: filePath(
      'Folder for what receivers do not take, one below it for each exporter; nothing is kept on disk when unset.',
    ).optional(),
    maxBytes: bytes(64 * 1024)
      .prefault('256MiB')
      .describe('Most that is kept for each exporter; then the oldest is dropped.'),
    maxAge: duration(1000).prefault('6h').describe('Older bodies are dropped.'),
  })
  .prefault({});

const groupIdentity = (job: string, instance: string, labels: Record<string, string> = {}) =>
  z
    .strictObject({
      job: z.string().min(1).default(job),
      instance: z.string().min(1).default(instance).describe('{node} and {cluster} are replaced.'),
      labels: z.record(labelName, z.string()).default(labels).describe('Further labels on all series of the group.'),
    })
    .prefault({});

/** The label contract: what public dashboards expect of the systems that Firesteel takes the place of. */
const identity = z
  .strictObject({
    node: groupIdentity('node-exporter', '{node}'),
    container: groupIdentity('kubelet', '{node}', { metrics_path: '/metrics/cadvisor', node: '{node}' }),
    kubelet: groupIdentity('kubelet', '{node}', { metrics_path: '/metrics', node: '{node}' }),
    process: groupIdentity('process-exporter', '{node}', { node: '{node}' }),
    ksm: groupIdentity('kube-state-metrics', 'kube-state-metrics'),
    agent: groupIdentity('firesteel', '{node}'),
  })
  .prefault({});

const election = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Elect one of several state agents; without, each of them pushes.'),
    namespace: z
      .string()
      .min(1)
      .optional()
      .describe('Namespace of the Lease; POD_NAMESPACE, else default, when unset.'),
    lease: z.string().min(1).default('firesteel').describe('Name of the Lease.'),
    leaseDuration: duration(3000, 300_000)
      .prefault('15s')
      .describe('After so long without renewal another may take it.'),
    renewDeadline: duration(2000, 300_000).prefault('10s').describe('After so long without renewal the master stops.'),
    retryPeriod: duration(500, 60_000).prefault('2s').describe('Longest pause between two rounds.'),
  })
  .refine(({ leaseDuration, renewDeadline }) => renewDeadline < leaseDuration, {
    error: 'must be less than leaseDuration',
    path: ['renewDeadline'],
  })
  .refine(({ renewDeadline, retryPeriod }) => retryPeriod < renewDeadline, {
    error: 'must be less than renewDeadline',
    path: ['retryPeriod'],
  })
  .prefault({});

const seriesLimit = z.int().min(1);

/** Wide for what a node or a large cluster really has, and far below what brings a receiver down. */
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
      })
      .prefault({})
      .describe('Most series of each group.'),
    family: seriesLimit.optional().describe('Most series of any one family.'),
    families: z.record(z.string().min(1), seriesLimit).default({}).describe('Most series of single families, by name.'),
  })
  .prefault({});

/** The levels of the log, least first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** The schema of the whole configuration; `collectors` is the section that the collectors describe themselves. */
export const configSchema = <Collectors extends z.ZodType>(collectors: Collectors) =>
  z.strictObject({
    cluster: z.string().min(1).optional().describe('Name of the cluster: label `cluster` on every series.'),
    node: z.string().min(1).optional().describe('Name of this node; NODE_NAME, else the host name, when unset.'),
    labels: globalLabels.describe('Labels on every series.'),
    log: z.strictObject({ level: z.enum(LOG_LEVELS).default('info') }).prefault({}),
    push,
    election: election.describe('Who of several agents with the ksm collector pushes.'),
    http,
    budget: budget.describe('How many series may be pushed; over it whole families are left out, the biggest first.'),
    paths,
    collectors,
    spool: spool.describe('What is kept on disk while a receiver is down; pushgateway keeps nothing.'),
    exporters: z
      .record(z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, 'names have letters, digits, - _ . only'), exporter)
      .default({})
      .describe('The receivers, by a name of your choice.'),
    identity,
  });

/** Parsed configuration without the collectors' section: what the parts outside of collection see. */
export type CoreConfig = Omit<z.output<ReturnType<typeof configSchema<z.ZodUnknown>>>, 'collectors'>;
