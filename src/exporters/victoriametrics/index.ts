import * as z from 'zod';
import { overHttp } from '../delivery/over-http.ts';
import { deliverySettings } from '../delivery/settings.ts';
import { commonSettings, type ExporterType, typeSetting } from '../exporter-type.ts';
import { httpSettings, refuseWrongPaths } from '../http/settings.ts';
import { QUERY_PATHS, type WrongPath } from '../http/wrong-path.ts';
import { ignoredJanitor } from '../janitor-settings.ts';

const ADVICE = 'set the base URL, such as http://victoria-metrics:8428, or …/insert/0/prometheus of a cluster';

const WRONG_PATHS: readonly WrongPath[] = [
  {
    path: /\/api\/v1\/import\/prometheus\/.+$/,
    advice: 'omit everything after /api/v1/import/prometheus: job and instance come from the agent',
  },
  { path: /\/api\/v1\/import(?:\/(?!prometheus$).*)?$/, advice: `this imports other formats: ${ADVICE}` },
  { path: /\/api\/v1\/(?:write|push|read|receive)$/, advice: `this is for remote write: ${ADVICE}` },
  { path: QUERY_PATHS, advice: `this answers queries: ${ADVICE}` },
  {
    path: /^\/select(?:\/|$)/,
    advice: `this path of a cluster is for queries, its vminsert accepts pushes: ${ADVICE}`,
  },
  {
    path: /^\/insert(?:\/(?:multitenant|\d+(?::\d+)?))?$/,
    advice: 'the tenant’s path is /insert/TENANT/prometheus, such as …/insert/0/prometheus',
  },
  {
    path: /\/metrics(?:\/job(?:@base64)?(?:\/.*)?)?$/,
    advice: `this is a page to scrape, or a Pushgateway (type: pushgateway): ${ADVICE}`,
  },
  {
    path: /\/(?:vmui|graph|targets|service-discovery|health|-\/(?:healthy|ready|reload)|write|influx.*|datadog.*|opentelemetry.*|opentsdb.*|newrelic.*)$/,
    advice: ADVICE,
  },
];

const settings = z
  .strictObject({
    type: typeSetting('vmagent', 'VictoriaMetrics or vmagent text import'),
    ...commonSettings,
    ...httpSettings({
      url: 'Base URL, a full import URL, or …/insert/0/prometheus of a cluster.',
      timeout: '75s',
    }),
    ...deliverySettings({ retries: 'no limit' }),
    compression: z
      .enum(['zstd', 'gzip'], { error: 'vmagent supports gzip and zstd; none is for a Pushgateway' })
      .optional()
      .describe('Compression of requests. When unset, the agent detects whether the receiver supports zstd.'),
    staleMarkers: z
      .boolean()
      .optional()
      .describe(
        'Mark vanished series, such as those of deleted pods, as stale immediately, over remote write. Otherwise they stay visible for 5 min. When unset, stale markers are sent if the receiver supports remote write.',
      ),
    // It was accepted before each type had its own settings.
    janitor: ignoredJanitor,
  })
  .superRefine(refuseWrongPaths('vmagent', WRONG_PATHS));

/** VictoriaMetrics and vmagent, over their text import. */
export const vmagentExporter: ExporterType<typeof settings> = {
  name: 'vmagent',
  settings,
  traits: ({ compression, staleMarkers }) => ({
    acceptsZstd: compression !== 'gzip',
    endsSeries: staleMarkers !== false,
    limitsLabels: true,
  }),
  ...overHttp<z.output<typeof settings>>({ protocol: async () => (await import('./vmagent.ts')).vmagent }),
};
