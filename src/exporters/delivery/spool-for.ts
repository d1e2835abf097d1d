import type { ExporterContext } from '../exporter-type.ts';
import { Spool } from '../spool/spool.ts';
import type { Report } from './report.ts';
import type { DeliverySettings } from './settings.ts';

/**
 * The spool of the exporter `name`, not yet open. Undefined when nothing is spooled to disk.
 */
export function spoolFor(
  name: string,
  settings: Pick<DeliverySettings, 'queue' | 'spool'>,
  { spool, now, log, disk }: Pick<ExporterContext, 'spool' | 'now' | 'log' | 'disk'>,
  report: Report,
): Spool | undefined {
  if (!settings.spool.enabled || spool.path === undefined) return undefined;
  return new Spool({
    folder: `${spool.path}/${name}`,
    maxBytes: spool.maxBytes,
    maxWaitingBytes: settings.queue.bytes,
    maxAgeMs: spool.maxAge,
    now,
    log,
    onDrop: report.dropped,
    onSetAside: report.setAside,
    ...(disk && { disk }),
  });
}
