import type { ExporterStatus } from '../exporter.ts';
import type { Endpoints } from '../http/endpoints.ts';

/** The state that {@link outlook} reports. */
interface OutlookOf {
  readonly endpoints: Endpoints;
  /** Limits of the queue; undefined if only the newest push is kept. */
  readonly limits: ExporterStatus['limits'];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** When the receiver is retried, and how much may be queued until then, for the status page. */
export function outlook({ endpoints, limits, nowMs }: OutlookOf): Pick<ExporterStatus, 'nextTryMs' | 'limits'> {
  const { waitMs } = endpoints;
  return {
    ...(waitMs !== undefined && { nextTryMs: Math.round(nowMs + waitMs) }),
    ...(limits && { limits }),
  };
}

/** Whether an exporter delivers, for the status page. */
export function stateOf(
  { isPaused, isOpen }: Pick<Endpoints, 'isPaused' | 'isOpen'>,
  { isFailing, status }: { readonly isFailing: boolean; readonly status: Pick<ExporterStatus, 'lastCode'> },
): ExporterStatus['state'] {
  if (isPaused) return 'paused';
  if (!isOpen || isFailing) return 'retrying';
  return status.lastCode === undefined ? 'idle' : 'ok';
}
