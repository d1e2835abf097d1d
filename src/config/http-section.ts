import * as z from 'zod';
import { listOf } from './list-of.ts';
import { filePath } from './units.ts';

const LISTEN = /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9.-]*):\d{1,5}$/;

/** The agent's own HTTP server. */
export const httpSection = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether to run the HTTP server: health, metrics, status page and API.'),
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
      'File with the bearer token for reading from this agent, including /metrics, but not /healthz and /readyz; when unset, anyone may read.',
    ).optional(),
    controlTokenFile: filePath(
      'File with the bearer token for requests that change something; also valid for reading. When unset, nothing can be changed.',
    ).optional(),
    stateFile: filePath(
      'File that stores temporarily disabled collectors; tasks.json next to it stores the tasks added through the API. When unset, both are below spool.path; without that, they are lost on restart.',
    ).optional(),
    podInfoTokenFile: filePath('File with the bearer token that node agents must send for pod information.').optional(),
    podInfoTokenReview: z
      .strictObject({
        audiences: listOf().default([]).describe("Audiences of the token; the API server's if empty."),
        users: listOf()
          .default([])
          .describe(
            'Service accounts that are allowed, as system:serviceaccount:NAMESPACE:NAME; when empty, any valid token.',
          ),
      })
      .optional()
      .describe('Let the API server check the tokens of node agents instead.'),
  })
  .refine(({ podInfoTokenFile, podInfoTokenReview }) => !podInfoTokenFile || !podInfoTokenReview, {
    error: 'podInfoTokenFile and podInfoTokenReview are mutually exclusive',
  })
  .prefault({});
