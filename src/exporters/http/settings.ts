import * as z from 'zod';
import { httpUrl } from '../../config/http-url.ts';
import { duration, filePath } from '../../config/units.ts';
import { type WrongPath, wrongUrl } from './wrong-path.ts';

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

/** What differs between receivers in the settings of {@link httpSettings}. */
export interface HttpDefaults {
  /** What `url` is, as a sentence. */
  readonly url: string;
  /** The default of `timeout`, in words. */
  readonly timeout: string;
}

/** Settings of every exporter that sends over HTTP. */
export const httpSettings = (defaults: HttpDefaults) => ({
  url: url.describe(defaults.url),
  failover: z.array(url).default([]).describe('URLs used in this order while url does not accept pushes.'),
  auth: auth.optional(),
  tls: tls.optional(),
  headers: headers.describe('More headers on each request, such as a tenant; those that frame it can’t be set.'),
  timeout: duration(100, 600_000)
    .optional()
    .describe(`How long to wait for the answer; ${defaults.timeout} when unset.`),
});

/** Settings of an exporter that sends over HTTP. */
export type HttpSettings = z.output<z.ZodObject<ReturnType<typeof httpSettings>>>;

/** Refuses URLs that are known to be none to push to. */
export const refuseWrongPaths =
  (type: string, known: readonly WrongPath[]) =>
  ({ url: first, failover }: Pick<HttpSettings, 'url' | 'failover'>, context: z.RefinementCtx): void => {
    for (const [path, value] of [
      [['url'], first] as const,
      ...failover.map((next, index) => [['failover', index], next] as const),
    ]) {
      const message = wrongUrl(type, known, value);
      if (message !== undefined) context.addIssue({ code: 'custom', message, path: [...path] });
    }
  };
