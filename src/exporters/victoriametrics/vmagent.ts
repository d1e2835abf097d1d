import { gzipSync } from 'node:zlib';
import type { Protocol } from '../delivery/protocol.ts';
import { ADDRESS_RESPONSES } from '../http/responses.ts';

const ENCODING_HINT = 'the receiver does not support this compression: set compression of the exporter to gzip';

const REJECTED_HINT = 'the receiver rejects a line of this batch';

const NOTHING = /^$/;
const ENCODING = /unsupported.*(?:content|encoding)|content-encoding/i;
/**
 * Names a line or a sample: no other message concerns the batch. Lines that can't be parsed are skipped without any
 * report.
 */
const ABOUT_THE_BATCH = /\bline\b|\bsamples?\b/i;

/** Values that may appear in the path as they are. */
const IN_PATH = /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/;

const IMPORT_PATH = '/api/v1/import/prometheus';

/**
 * The text import of VictoriaMetrics and vmagent. job and instance are sent in the Pushgateway-shaped tail of the path,
 * or as extra_label to versions that do not support the tail (Debian 12 has 1.79). Batches whose lines carry their own
 * get neither, because labels of the URL would replace them. All other labels are sent as extra_label, and the time of
 * collection as `timestamp`, in milliseconds: samples with seconds would get a 204 and be lost.
 */
export const vmagent: Protocol = {
  type: 'vmagent',
  method: 'POST',
  url(base, { job, instance, labels }, stampMs, isPlain = false) {
    // A full import URL is used as it is. A cluster's .../insert/0/prometheus gets the path added, like a single node.
    const root = base.endsWith(IMPORT_PATH) ? base : base + IMPORT_PATH;
    const query = new URLSearchParams({ timestamp: String(stampMs) });
    // The tail's values are decoded before they are split at slashes, so such names are sent as extra_label as well.
    const inPath = !isPlain && [job, instance].every((value) => value !== undefined && IN_PATH.test(value));
    if (!inPath && instance !== undefined) query.append('extra_label', `instance=${instance}`);
    for (const [name, value] of Object.entries(labels)) query.append('extra_label', `${name}=${value}`);
    if (inPath) return `${root}/metrics/job/${job}/instance/${instance}?${query}`;
    if (job !== undefined) query.append('extra_label', `job=${job}`);
    return `${root}?${query}`;
  },
  endUrl(base, { job, instance, labels }) {
    const root = base.endsWith(IMPORT_PATH) ? base.slice(0, -IMPORT_PATH.length) : base;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ job, instance, ...labels })) {
      if (value !== undefined) query.append('extra_label', `${name}=${value}`);
    }
    return `${root}/api/v1/write?${query}`;
  },
  hasPlainUrls: true,
  probe: { method: 'POST', members: [gzipSync('# firesteel check-config\n')], accepted: [200, 204] },
  responses: [
    // Neither returns text for a batch that it accepts.
    { when: 204, text: NOTHING, action: 'done', reason: 'ok' },
    { when: 200, text: NOTHING, action: 'done', reason: 'ok' },
    { when: 400, text: /cannot read|unexpected EOF/i, page: false, action: 'retry', reason: 'transport' },
    { when: 400, text: ENCODING, action: 'pause', reason: 'encoding', hint: ENCODING_HINT },
    { when: 415, action: 'pause', reason: 'encoding', hint: ENCODING_HINT },
    { when: 400, text: ABOUT_THE_BATCH, page: false, action: 'drop', reason: 'rejected', hint: REJECTED_HINT },
    { when: 422, text: ABOUT_THE_BATCH, page: false, action: 'drop', reason: 'rejected', hint: REJECTED_HINT },
    {
      when: 413,
      action: 'split',
      reason: 'too_large',
      hint: 'sending it in parts; raise the limit of the receiver or proxy for request bodies',
    },
    { when: 408, action: 'retry', reason: 'busy' },
    { when: 425, action: 'retry', reason: 'busy' },
    { when: 429, action: 'retry', reason: 'busy' },
    { when: [500, 599], action: 'retry', reason: 'server_error' },
    { when: 'timeout', action: 'retry', reason: 'timeout' },
    ...ADDRESS_RESPONSES,
  ],
  // The receiver may queue a request for a minute (-insert.maxQueueDuration) before it responds.
  timeoutMs: 75_000,
  // The queue is bounded by age and size.
  retries: Number.POSITIVE_INFINITY,
  keepsHistory: true,
};
