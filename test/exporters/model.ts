import * as z from 'zod';
import { labelsOfTarget } from '../../src/config/identity.ts';
import { overHttp } from '../../src/exporters/delivery/over-http.ts';
import { deliverySettings } from '../../src/exporters/delivery/settings.ts';
import { commonSettings, type ExporterType, typeSetting } from '../../src/exporters/exporter-type.ts';
import { httpSettings, refuseWrongPaths } from '../../src/exporters/http/settings.ts';

const WRONG_PATHS = [{ path: /\/api\/series$/, advice: 'omit /api/series: the agent adds it itself' }];

const settings = z
  .strictObject({
    type: typeSetting('model', 'Model of a receiver of JSON'),
    ...commonSettings,
    ...httpSettings({ url: 'Base URL, without /api/series.', timeout: '10s' }),
    ...deliverySettings({ retries: 'no limit' }),
    compression: z.enum(['zstd', 'gzip', 'none']).default('gzip').describe('Compression of requests.'),
  })
  .superRefine(refuseWrongPaths('model', WRONG_PATHS));

/** Model of a receiver of JSON. */
export const modelExporter: ExporterType<typeof settings> = {
  name: 'model',
  settings,
  traits: () => ({ acceptsZstd: false, endsSeries: false, limitsLabels: false }),
  ...overHttp<z.output<typeof settings>>({
    // Loaded only if an exporter of the type is configured.
    async protocol() {
      const { ADDRESS_RESPONSES } = await import('../../src/exporters/http/responses.ts');
      const { parseText } = await import('../../src/metrics/text/parse.ts');
      return {
        type: 'model',
        method: 'POST',
        url: (base) => `${base}/api/series`,
        contentType: 'application/json',
        envelope: { start: '{"series":[', between: ',', end: ']}' },
        rewrite(text, target, stampMs) {
          const shared = Object.entries(labelsOfTarget(target));
          const series: string[] = [];
          let omitted = 0;
          for (const line of parseText(text.toString())) {
            if (line.kind !== 'sample') continue;
            const { name, value, timestampMs = stampMs } = line;
            // An empty label of the target removes that of the line, as in remote write.
            const all = new Map([...line.labels, ...shared]);
            const labels = Object.fromEntries([...all].filter(([, own]) => own !== ''));
            if (Number.isFinite(value)) series.push(JSON.stringify({ name, labels, value, timestampMs }));
            else omitted++;
          }
          return { text: Buffer.from(series.join(',')), omitted };
        },
        probe: { method: 'GET', members: [], accepted: [405] },
        responses: [
          { when: 202, action: 'done', reason: 'ok' },
          { when: 400, text: /invalid series/, page: false, action: 'drop', reason: 'rejected' },
          { when: 413, action: 'split', reason: 'too_large' },
          { when: 429, action: 'retry', reason: 'busy' },
          { when: [500, 599], action: 'retry', reason: 'server_error' },
          { when: 'timeout', action: 'retry', reason: 'timeout' },
          ...ADDRESS_RESPONSES,
        ],
        timeoutMs: 10_000,
        retries: Number.POSITIVE_INFINITY,
        keepsHistory: true,
      };
    },
  }),
};
