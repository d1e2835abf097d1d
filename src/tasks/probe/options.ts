import * as z from 'zod';
import { filePath } from '../../config/units.ts';

/** Maximum number of targets of one task, which are probed in parallel. */
const MAX_TARGETS = 100;

/** Options that all probes share; `target` reads one target, which becomes the label `instance` as written. */
export const probeOptions = <Target extends z.ZodType<string>>(target: Target) => ({
  targets: z
    .array(target)
    .min(1)
    .max(MAX_TARGETS, `at most ${MAX_TARGETS} targets: a task probes all of them in parallel; use several tasks`)
    .refine((targets) => new Set(targets).size === targets.length, 'a target is listed twice')
    .describe('Targets to probe. Each target, as written, becomes the label instance of its series.'),
  addresses: z
    .enum(['one', 'all'])
    .default('one')
    .describe('Whether one address of a name is probed or each of them, up to 16.'),
  require: z
    .enum(['all', 'any'])
    .default('all')
    .describe('With addresses: all, how many of them have to answer for probe_success to be 1.'),
  ip: z
    .enum(['auto', 'ip4', 'ip6'])
    .default('auto')
    .describe('The preferred address family. auto: IPv6 if this host has an IPv6 address to send from, else IPv4.'),
  fallback: z
    .boolean()
    .default(true)
    .describe('Whether the other family is used when the name has no address of the preferred one.'),
});

/** How probes resolve names and choose addresses. */
export interface ProbeOptions {
  readonly targets: readonly string[];
  readonly addresses: 'one' | 'all';
  readonly require: 'all' | 'any';
  readonly ip: 'auto' | 'ip4' | 'ip6';
  readonly fallback: boolean;
}

/** TLS options; files are read again when they change. */
export const tlsOptions = z
  .strictObject({
    caFile: filePath("Certificate authorities that sign the target; the system's when unset.").optional(),
    certFile: filePath('Client certificate.').optional(),
    keyFile: filePath('Key of the client certificate.').optional(),
    serverName: z.string().min(1).optional().describe('Name expected in the certificate, when not that of the target.'),
    insecureSkipVerify: z.boolean().default(false).describe('Skip certificate verification.'),
    minVersion: z.enum(['TLS10', 'TLS11', 'TLS12', 'TLS13']).default('TLS12').describe('Minimum version of TLS.'),
    maxVersion: z.enum(['TLS10', 'TLS11', 'TLS12', 'TLS13']).default('TLS13').describe('Maximum version of TLS.'),
    minExpiry: z
      .string()
      .regex(/^\d+(?:ms|s|m|h|d)$/, 'expected a duration with its unit, such as 24h or 14d')
      .default('0s')
      .describe('How long the certificates must remain valid; less fails with reason certificate.'),
  })
  .refine((value) => (value.certFile === undefined) === (value.keyFile === undefined), {
    error: 'certFile and keyFile must be set together',
  });

export type TlsOptions = z.output<typeof tlsOptions>;
