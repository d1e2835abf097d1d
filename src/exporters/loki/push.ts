import type { LogProtocol } from '../entries/protocol.ts';
import { classifyPush } from './responses.ts';
import { pushBody, type StreamOptions, writeEntry } from './streams.ts';

/** A quarter of the default burst limit of a Loki tenant (`ingestion_burst_size_mb`). */
const MAX_BATCH_BYTES = 1024 * 1024;
/** A response lists up to ten entries of a stream, and all of its labels. */
const RESPONSE_BYTES = 64 * 1024;

interface PushOptions extends StreamOptions {
  readonly tenant: string | undefined;
}

/** Loki's push API in JSON. */
export const push = ({ tenant, ...options }: PushOptions): LogProtocol => ({
  path: '/loki/api/v1/push',
  contentType: 'application/json',
  headers: tenant === undefined ? {} : { 'x-scope-orgid': tenant },
  compression: 'gzip',
  maxBatchBytes: MAX_BATCH_BYTES,
  // Entries much older than the newest of their stream are rejected.
  parallel: 1,
  responseBytes: RESPONSE_BYTES,
  probe: {
    body: '{"streams":[]}',
    // 204 before Loki 3, and 200 of VictoriaLogs before v1.17, which has a receiver of this protocol.
    isAccepted: ({ code, text, isPage }) =>
      code === 204 ||
      (code === 200 && text === '' && isPage !== true) ||
      (code === 422 && text.includes('at least one valid stream')),
  },
  encode: (entry, out) => writeEntry(entry, out, options),
  body: pushBody,
  classify: classifyPush,
});
