import * as z from 'zod';
import { duration } from '../../config/units.ts';
import { deliverySettings } from '../delivery/settings.ts';
import { commonSettings, typeSetting } from '../exporter-type.ts';
import { httpSettings, refuseWrongPaths } from '../http/settings.ts';
import { QUERY_PATHS, type WrongPath } from '../http/wrong-path.ts';

const ADVICE =
  'set the full remote-write URL, such as http://prometheus:9090/api/v1/write or https://mimir/api/v1/push';

const WRONG_PATHS: readonly WrongPath[] = [
  { path: /^$/, advice: ADVICE },
  { path: /\/api\/v1\/import(?:\/.*)?$/, advice: 'this is the text import of VictoriaMetrics: set type: vmagent' },
  { path: QUERY_PATHS, advice: `this answers queries: ${ADVICE}` },
  { path: /\/api\/v1\/read$/, advice: `this is for remote read: ${ADVICE}` },
  {
    path: /\/metrics(?:\/job(?:@base64)?(?:\/.*)?)?$/,
    advice: `this is a page to scrape, or a Pushgateway: ${ADVICE}`,
  },
];

const { drain: _, ...delivery } = deliverySettings({ retries: 'no limit' });

/** The section of a remote write exporter. */
export const remoteWriteSettings = z
  .strictObject({
    type: typeSetting('remotewrite', 'Prometheus remote write, for Prometheus, Mimir, Thanos, Cortex, Grafana Cloud'),
    ...commonSettings,
    ...httpSettings({
      url: 'Full remote-write URL: …/api/v1/write of Prometheus, …/api/v1/push of Mimir, …/api/v1/receive of Thanos.',
      timeout: '30s',
    }),
    ...delivery,
    version: z
      .enum(['auto', '1.0', '2.0'])
      .default('auto')
      .describe('Version of the protocol. auto tries 2.0 and falls back to 1.0 when the receiver does not support it.'),
    refresh: duration(10_000, 240_000)
      .prefault('60s')
      .describe("How often unchanged series of the cluster's state are resent. Changed ones are sent immediately."),
  })
  .superRefine(refuseWrongPaths('remotewrite', WRONG_PATHS));

/** Settings of a remote write exporter. */
export type RemoteWriteSettings = z.output<typeof remoteWriteSettings>;
