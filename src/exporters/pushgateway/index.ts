import * as z from 'zod';
import { REAL_CLOCK } from '../../base/clock.ts';
import { overHttp } from '../delivery/over-http.ts';
import { deliverySettings } from '../delivery/settings.ts';
import { commonSettings, type ExporterType, typeSetting } from '../exporter-type.ts';
import { httpSettings, refuseWrongPaths } from '../http/settings.ts';
import { QUERY_PATHS, type WrongPath } from '../http/wrong-path.ts';
import { janitorSettings } from '../janitor-settings.ts';

const WRONG_PATHS: readonly WrongPath[] = [
  {
    path: /\/metrics(?:\/job(?:@base64)?(?:\/.*)?)?$/,
    advice: 'omit /metrics and everything after it: the agent adds /metrics/job/… itself',
  },
  {
    path: /\/api\/v1\/import(?:\/.*)?$|\/api\/v1\/(?:write|push|read|receive)$|^\/(?:insert|select)(?:\/|$)|\/vmui$/,
    advice: 'this is a path of VictoriaMetrics: set type: vmagent',
  },
  { path: QUERY_PATHS, advice: 'this is the API of Prometheus or VictoriaMetrics; set the gateway’s base URL' },
  { path: /\/api\/v1(?:\/metrics)?$|\/-\/(?:healthy|ready)$/, advice: 'set the gateway’s base URL' },
];

const settings = z
  .strictObject({
    type: typeSetting('pushgateway', 'Prometheus Pushgateway'),
    ...commonSettings,
    ...httpSettings({ url: 'Base URL, without /metrics/job/….', timeout: '10s' }),
    ...deliverySettings({ retries: '3', keepsHistory: false }),
    compression: z
      .enum(['gzip', 'none'], { error: 'a Pushgateway supports gzip only' })
      .optional()
      .describe('Compression of requests, gzip when unset. Use none for a Pushgateway before 1.5.'),
    staleMarkers: z
      .literal(false, { error: 'a Pushgateway has no stale markers: the next push replaces the whole group' })
      .optional()
      .describe('Not supported by a Pushgateway.'),
    janitor: janitorSettings,
  })
  .superRefine(refuseWrongPaths('pushgateway', WRONG_PATHS));

/** Prometheus Pushgateway. */
export const pushgatewayExporter: ExporterType<typeof settings> = {
  name: 'pushgateway',
  settings,
  traits: () => ({
    acceptsZstd: false,
    endsSeries: false,
    limitsLabels: false,
  }),
  ...overHttp<z.output<typeof settings>>({
    protocol: async () => (await import('./pushgateway.ts')).pushgateway,
    deletesOnStop: ({ janitor }) => janitor.onStop,
  }),
  housekeeping(name, settings, { env, nodeJobs: jobs, cluster, ...world }) {
    const { enabled, grace: graceMs, every: everyMs } = settings.janitor;
    if (!enabled) return undefined;
    return Promise.all([import('./janitor.ts'), import('./gateway-client.ts')]).then(
      ([{ Janitor }, { GatewayClient }]) =>
        new Janitor({
          ...world,
          exporter: name,
          gateway: new GatewayClient(settings, env),
          ours: { jobs, cluster, graceMs },
          everyMs,
          clock: REAL_CLOCK,
        }),
    );
  },
};
