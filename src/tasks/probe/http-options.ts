import * as z from 'zod';
import { httpAuth, TWO_CREDENTIALS } from '../../config/http-auth.ts';
import { bytes, duration, filePath, pattern } from '../../config/units.ts';
import { COMPRESSIONS } from './http-body.ts';
import { probeOptions, tlsOptions } from './options.ts';

const STATUS = /^[1-9]\d\d(?:-[1-9]\d\d)?$/;

/** A status or a range of them, `200-299`; first and last. */
const statusRange = z
  .union([
    z.int().min(100).max(999),
    z.string().regex(STATUS, 'expected a status such as 404, or a range such as 200-299'),
  ])
  .transform((value): readonly [number, number] => {
    const [first = 0, last = first] = String(value).split('-').map(Number);
    return [first, last];
  });

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name');

const headerValue = z.union([
  z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'a header value is one line without control characters'),
  z.strictObject({ file: filePath('File with the value of the header; reloaded when it changes.') }),
]);

const headerCheck = z.strictObject({
  name: headerName,
  pattern: pattern(),
  allowMissing: z.boolean().default(false).describe('Whether a response without this header passes.'),
});

const jsonCheck = z
  .strictObject({
    pointer: z
      .string()
      .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'expected a JSON pointer such as /status/0/name')
      .describe('Place in the document (RFC 6901).'),
    equals: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
    match: pattern().optional(),
  })
  .describe('Without equals and match, the place only has to exist.');

const auth = httpAuth.refine((value) => value.username === undefined || value.bearerTokenFile === undefined, {
  error: TWO_CREDENTIALS,
});

/** A target as a URL: without a scheme it is http, as for blackbox_exporter. */
export const targetUrl = (target: string): string => (/^https?:\/\//i.test(target) ? target : `http://${target}`);

const target = z
  .string()
  .max(2048)
  .refine((text) => URL.canParse(targetUrl(text)), 'expected a URL such as https://shop.example/health')
  .refine((text) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^https?:/i.test(text), 'expected http:// or https://')
  .refine((text) => !URL.canParse(targetUrl(text)) || new URL(targetUrl(text)).username === '', {
    error: 'no credentials in the URL: use http.auth with a passwordFile',
  });

const body = z
  .strictObject({
    match: z.array(pattern()).default([]).describe('Each has to match.'),
    notMatch: z.array(pattern()).default([]).describe('None may match.'),
    json: z.array(jsonCheck).default([]).describe('Checks of values in a JSON body; all have to pass.'),
    limit: bytes()
      .optional()
      .describe(
        'A larger body fails the probe. When unset, 1MiB if the body is checked, else 64MiB, which is read but not stored.',
      ),
  })
  .prefault({});

/** Options of the type `http`. */
export const httpOptions = z.strictObject({
  ...probeOptions(target),
  http: z
    .strictObject({
      method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']).default('GET'),
      status: z.array(statusRange).min(1).prefault(['200-299']).describe('Status codes that count as success.'),
      versions: z
        .array(z.enum(['1.0', '1.1', '2']))
        .default([])
        .describe('HTTP versions that count as success; any when empty.'),
      followRedirects: z.boolean().default(true).describe('Whether up to ten redirects are followed.'),
      http2: z.boolean().default(true).describe('Whether HTTP/2 is offered in the TLS handshake.'),
      headers: z
        .record(headerName, headerValue)
        .default({})
        .describe('Headers of the request; Host may be among them.'),
      payload: z.string().optional().describe('The body of the request.'),
      payloadFile: filePath('File with the body of the request.').optional(),
      auth: auth.optional(),
      compression: z
        .enum(COMPRESSIONS)
        .optional()
        .describe('Request this compression, and decode the body before it is measured and checked.'),
      header: z
        .strictObject({
          match: z.array(headerCheck).default([]).describe('Each has to match.'),
          notMatch: z.array(headerCheck).default([]).describe('None may match.'),
        })
        .prefault({})
        .describe('Checks of the response headers.'),
      body: body.describe('Checks of the response body.'),
      tls: tlsOptions.prefault({}),
      ssl: z
        .enum(['any', 'required', 'forbidden'])
        .default('any')
        .describe('Whether the final response must use TLS, or must not.'),
      slowerThan: duration(1).optional().describe('A response that takes longer in total fails with reason slow.'),
      proxy: z
        .string()
        .refine(
          (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
          'expected a URL such as http://proxy:3128',
        )
        .refine(
          (text) => !URL.canParse(text) || new URL(text).username === '',
          'no credentials in the URL: use proxyAuth',
        )
        .optional()
        .describe('Forward proxy; it resolves the names of targets.'),
      proxyAuth: z
        .strictObject({
          username: z.string().min(1).describe('User name for the proxy.'),
          passwordFile: filePath('File with the password for the proxy.'),
        })
        .optional(),
    })
    .refine((value) => value.payload === undefined || value.payloadFile === undefined, {
      error: 'either payload or payloadFile, not both',
    })
    .prefault({}),
});

/** Parsed options of `http` for one task. */
export type HttpOptions = z.output<typeof httpOptions>['http'];
