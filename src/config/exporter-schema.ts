import * as z from 'zod';
import { GROUPS } from '../metrics/group.ts';
import { httpUrl } from './http-url.ts';
import { wrongUrl } from './receiver-url.ts';
import { bytes, duration, filePath } from './units.ts';

const url = httpUrl('http://victoria-metrics:8428');

/** Headers that frame a request or name its receiver: another one would make a different request of it. */
const FRAMING = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const headers = z
  .record(
    z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name')
      .refine((name) => !FRAMING.has(name.toLowerCase()), 'this header is made by the agent and can’t be set'),
    z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'a header value is one line without control characters'),
  )
  .default({});

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

/** The section of one receiver. */
export const exporter = z
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
    headers: headers.describe('More headers on each request, such as a tenant; those that frame it can’t be set.'),
    timeout: duration(100, 600_000)
      .optional()
      .describe('How long to wait for the answer; 75s for vmagent, 10s for pushgateway when unset.'),
    retries: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe('Retries of one batch before it is dropped; when unset 3 for pushgateway, no limit for vmagent.'),
    compression: z
      .enum(['zstd', 'gzip', 'none'])
      .optional()
      .describe(
        'Compression of requests. When unset, a vmagent is asked whether it reads zstd; pushgateway gets gzip; none is for a Pushgateway before 1.5.',
      ),
    staleMarkers: z
      .boolean()
      .optional()
      .describe(
        'End vanished series at once, such as those of deleted pods, by stale markers over remote write; otherwise they stay visible for 5 min. When unset, a vmagent gets markers if it takes remote write.',
      ),
    failover: z.array(url).default([]).describe('URLs used in this order while url does not accept pushes.'),
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
        onStop: z
          .boolean()
          .default(false)
          .describe(
            "Delete this agent's own groups when it stops in order, for hosts that come and go without a cluster; a restart leaves a gap then.",
          ),
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
        enabled: z
          .boolean()
          .default(true)
          .describe('Spool batches that exceed the memory queue to disk, if spool.path is set.'),
      })
      .prefault({}),
    drain: z
      .strictObject({
        bytesPerSecond: bytes(1024).prefault('4MiB').describe('Rate limit for older batches, bytes a second.'),
        share: z.number().min(0.01).max(1).default(0.5).describe('Share of the time that older batches may take.'),
      })
      .prefault({})
      .describe('How fast spooled batches are sent once the receiver is back; new ones always go first.'),
  })
  .refine(({ type, staleMarkers }) => type !== 'pushgateway' || !staleMarkers, {
    error: 'a Pushgateway has no stale markers: the next push replaces the whole group',
    path: ['staleMarkers'],
  })
  .refine(({ type, compression }) => type !== 'vmagent' || compression !== 'none', {
    error: 'a vmagent reads gzip and zstd; none is for a pushgateway',
    path: ['compression'],
  })
  .refine(({ type, compression }) => type !== 'pushgateway' || compression !== 'zstd', {
    error: 'a pushgateway reads gzip only',
    path: ['compression'],
  })
  .superRefine(({ type, url: first, failover }, context) => {
    for (const [path, value] of [
      [['url'], first] as const,
      ...failover.map((next, index) => [['failover', index], next] as const),
    ]) {
      const message = wrongUrl(type, value);
      if (message !== undefined) context.addIssue({ code: 'custom', message, path: [...path] });
    }
  });

/** Settings of one receiver. */
export type ExporterSettings = z.output<typeof exporter>;
