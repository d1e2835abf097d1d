import type { ExporterStatus } from '../exporter.ts';
import type { Endpoints } from '../http/endpoints.ts';

/** What decides how an outage goes on. */
interface OutlookOf {
  readonly endpoints: Endpoints;
  /** What may wait; undefined where only the newest push counts. */
  readonly limits: ExporterStatus['limits'];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** When the receiver is tried again, and what may wait until then, as the status page shows it. */
export function outlook({ endpoints, limits, nowMs }: OutlookOf): Pick<ExporterStatus, 'nextTryMs' | 'limits'> {
  const { waitMs } = endpoints;
  return {
    ...(waitMs !== undefined && { nextTryMs: Math.round(nowMs + waitMs) }),
    ...(limits && { limits }),
  };
}
