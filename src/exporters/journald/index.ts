import * as z from 'zod';
import { entryExporter, entrySettings } from '../entries/type.ts';

const settings = z.strictObject(
  entrySettings(
    'journald',
    "systemd-journal-remote, or VictoriaLogs at /insert/journald/upload: log entries in the journal's export format",
    'Base URL of a systemd-journal-remote, whose path is /upload, or the full URL of another receiver of the protocol.',
  ),
);

/** Receivers of systemd's journal export format. */
export const journaldExporter = entryExporter({
  name: 'journald',
  settings,
  insertPath: '/insert/journald/upload',
  protocol: async () => (await import('./journald.ts')).journald,
});
