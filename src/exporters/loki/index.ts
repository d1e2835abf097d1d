import * as z from 'zod';
import { listOf } from '../../config/list-of.ts';
import { fieldsSetting } from '../entries/field-selection.ts';
import { entriesOverHttp, entrySettings } from '../entries/type.ts';
import type { ExporterType } from '../exporter-type.ts';

const settings = z.strictObject({
  ...entrySettings(
    'loki',
    'Grafana Loki, Grafana Cloud or a gateway of these: log entries by the push API',
    'Base URL of Loki, whose path is /loki/api/v1/push, or the full URL.',
  ),
  labels: listOf(z.string().max(128))
    .max(14)
    .default(['cluster', 'node', 'unit', 'namespace', 'container'])
    .describe(
      'Labels of entries that become stream labels in Loki, in addition to `source`; choose few, with few values.',
    ),
  structuredMetadata: z
    .boolean()
    .default(true)
    .describe(
      'Send the other labels and the fields as structured metadata (Loki 3, or 2.9 with `allow_structured_metadata`).',
    ),
  fields: fieldsSetting,
  tenant: z
    .string()
    .regex(/^[\x21-\x7e]{1,150}$/, 'a tenant is one word of at most 150 characters')
    .optional()
    .describe('Tenant, sent as X-Scope-OrgID; none when unset.'),
});

/** Grafana Loki. */
export const lokiExporter: ExporterType<typeof settings> = {
  name: 'loki',
  settings,
  ...entriesOverHttp<z.output<typeof settings>>({
    insertPath: '/insert/loki/api/v1/push',
    protocol: async ({ labels, structuredMetadata, fields, tenant }) => {
      const { push } = await import('./push.ts');
      return push({ labels, structuredMetadata, fields, tenant });
    },
  }),
};
