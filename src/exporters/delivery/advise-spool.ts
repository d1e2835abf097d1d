import type { ExporterContext } from '../exporter-type.ts';

/** Logs once that an exporter without a spool loses batches in an outage. */
export const adviseSpool = (log: ExporterContext['log']): void =>
  log.write(
    'info',
    'no spool',
    {},
    'no disk spool: batches are lost when a receiver is unavailable for more than a few cycles; set spool.path',
  );
