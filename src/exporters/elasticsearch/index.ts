import * as z from 'zod';
import { fieldsSetting } from '../entries/field-selection.ts';
import { entriesOverHttp, entrySettings } from '../entries/type.ts';
import type { ExporterType } from '../exporter-type.ts';

const settings = z.strictObject({
  ...entrySettings(
    'elasticsearch',
    'Elasticsearch or OpenSearch: log entries by the bulk API, in an index or a data stream',
    'Base URL of Elasticsearch or OpenSearch, whose path is /INDEX/_bulk, or the full URL with path and query.',
  ),
  index: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,199}$/, 'an index has small letters, digits, dots, - and _')
    .default('logs-firesteel-default')
    .describe('Index, alias or data stream; Elasticsearch creates a data stream for `logs-…-…`.'),
  fields: fieldsSetting,
});

/** Elasticsearch and OpenSearch. */
export const elasticsearchExporter: ExporterType<typeof settings> = {
  name: 'elasticsearch',
  settings,
  ...entriesOverHttp<z.output<typeof settings>>({
    insertPath: '/insert/elasticsearch/_bulk',
    protocol: async ({ index, fields }) => {
      const { bulk } = await import('./bulk.ts');
      return bulk({ index, fields });
    },
  }),
};
