import * as z from 'zod';
import { fieldsSetting } from '../entries/field-selection.ts';
import { entriesOverHttp, entrySettings } from '../entries/type.ts';
import type { ExporterType } from '../exporter-type.ts';

const settings = z.strictObject({
  ...entrySettings(
    'victorialogs',
    "VictoriaLogs, vlagent or a cluster's vlinsert: log entries as lines of JSON",
    'Base URL of VictoriaLogs, whose path is /insert/jsonline, or the full URL. Set other query parameters of VictoriaLogs as `headers`, such as `VL-Extra-Fields`.',
  ),
  streamFields: z
    .array(z.string().regex(/^[^,]{1,128}$/, 'a name of a field, without commas'))
    .min(1)
    .max(20)
    .default(['cluster', 'node', 'source', 'unit', 'namespace', 'pod', 'container'])
    .describe('Fields that identify the stream of an entry (`_stream_fields`); choose few, with stable values.'),
  fields: fieldsSetting,
  tenant: z
    .string()
    .regex(/^\d{1,10}(?::\d{1,10})?$/, 'expected AccountID or AccountID:ProjectID, in digits')
    .optional()
    .describe('Tenant, as AccountID:ProjectID; 0:0 when unset.'),
});

/** VictoriaLogs. */
export const victorialogsExporter: ExporterType<typeof settings> = {
  name: 'victorialogs',
  settings,
  ...entriesOverHttp<z.output<typeof settings>>({
    insertPath: '/insert/jsonline',
    protocol: async ({ streamFields, fields, tenant }) => {
      const { jsonline } = await import('./jsonline.ts');
      return jsonline({ streamFields, fields, tenant });
    },
  }),
};
