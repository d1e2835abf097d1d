import * as z from 'zod';
import { TWO_CREDENTIALS } from '../../config/http-auth.ts';
import { httpUrl } from '../../config/http-url.ts';
import { duration, filePath } from '../../config/units.ts';
import { type WrongPath, wrongUrl } from './wrong-path.ts';

const url = httpUrl('http://victoria-metrics:8428');

/** Headers that frame a request or name its receiver. Another value would make it a different request. */
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

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name')
  .refine((name) => !FRAMING.has(name.toLowerCase()), 'the agent sets this header itself, so it cannot be configured');

const headers = z
  .record(
    headerName,
    z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'a header value is one line without control characters'),
  )
  .default({});

const auth = z
  .strictObject({
    username: z.string().min(1).optional().describe('User name for basic authentication.'),
    usernameFile: filePath('File with the user name, in place of username. It is reread when it changes.').optional(),
    passwordFile: filePath('File with the password of username. It is reread when it changes.').optional(),
    bearerTokenFile: filePath('File with the bearer token. It is reread when it changes.').optional(),
  })
  .refine((value) => value.username === undefined || value.usernameFile === undefined, {
    error: 'set either username or usernameFile, not both',
  })
  .refine((value) => hasUser(value) === (value.passwordFile !== undefined), {
    error: 'username and passwordFile must be set together',
  })
  .refine((value) => !hasUser(value) || value.bearerTokenFile === undefined, {
    error: TWO_CREDENTIALS,
  });

const hasUser = ({ username, usernameFile }: { readonly username?: unknown; readonly usernameFile?: unknown }) =>
  username !== undefined || usernameFile !== undefined;

const tls = z
  .strictObject({
    caFile: filePath("Certificate authorities trusted for the receiver; the system's when unset.").optional(),
    certFile: filePath('Client certificate.').optional(),
    keyFile: filePath('Key of the client certificate.').optional(),
    serverName: z.string().min(1).optional().describe('Name expected in the certificate, if other than the host name.'),
    insecureSkipVerify: z.boolean().default(false).describe('Skip certificate verification.'),
  })
  .refine((value) => (value.certFile === undefined) === (value.keyFile === undefined), {
    error: 'certFile and keyFile must be set together',
  });

/** Receiver-specific parts of {@link httpSettings}. */
export interface HttpDefaults {
  /** The description of `url`, as a sentence. */
  readonly url: string;
  /** The default of `timeout`, in words. */
  readonly timeout: string;
}

/** Settings of every exporter that sends over HTTP. */
export const httpSettings = (defaults: HttpDefaults) => ({
  url: url.describe(defaults.url),
  failover: z.array(url).default([]).describe('URLs to use, in this order, while url does not accept pushes.'),
  auth: auth.optional(),
  tls: tls.optional(),
  headers: headers.describe(
    'Additional headers of each request, such as a tenant. Headers that frame the request cannot be set.',
  ),
  headerFiles: z
    .record(headerName, filePath('File with the value. It is reread when it changes.'))
    .default({})
    .describe('Additional headers whose values are secrets, such as a token of a proxy.'),
  timeout: duration(100, 600_000)
    .optional()
    .describe(`How long to wait for the response; ${defaults.timeout} when unset.`),
});

/** Settings of an exporter that sends over HTTP. */
export type HttpSettings = z.output<z.ZodObject<ReturnType<typeof httpSettings>>>;

/** Rejects URLs that are known not to accept pushes. */
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
