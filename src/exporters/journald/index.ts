import * as z from 'zod';
import { entriesOverHttp, entrySettings } from '../entries/type.ts';
import type { ExporterType } from '../exporter-type.ts';

const settings = z.strictObject(
  entrySettings(
    'journald',
    "systemd-journal-remote, or VictoriaLogs at /insert/journald/upload: log entries in the journal's export format",
    'Base URL of a systemd-journal-remote, whose path is /upload, or the full URL of another receiver of the protocol.',
  ),
);

/** Receivers of systemd's journal export format. */
export const journaldExporter: ExporterType<typeof settings> = {
  name: 'journald',
  settings,
  ...entriesOverHttp<z.output<typeof settings>>({
    insertPath: '/insert/journald/upload',
    protocol: async () => (await import('./journald.ts')).journald,
  }),
};
