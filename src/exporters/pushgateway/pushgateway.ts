import { gzipSync } from 'node:zlib';
import type { Protocol } from '../delivery/protocol.ts';
import { ADDRESS_RESPONSES } from '../http/responses.ts';
import { splitByIdentity } from './by-identity.ts';

const NOTHING = /^$/;

/** Values that may appear in a path unchanged. The gateway redirects, splits or rejects anything else. */
const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/;

const part = (name: string, value: string): string => {
  if (PLAIN.test(value)) return `/${name}/${value}`;
  return `/${name}@base64/${Buffer.from(value).toString('base64url') || '='}`;
};

/**
 * Prometheus Pushgateway. PUT replaces the whole gateway group, so stale series disappear. The grouping key is job, instance
 * and the labels that all series share. A gateway stores one value only: no queue, no replay.
 */
export const pushgateway: Protocol = {
  type: 'pushgateway',
  method: 'PUT',
  partMethod: 'POST',
  deleteMethod: 'DELETE',
  byIdentity: splitByIdentity,
  url(base, { job, instance, labels }) {
    if (job === undefined) throw new Error('BUG: a push to a Pushgateway needs a job');
    const key = Object.entries({ ...(instance !== undefined && { instance }), ...labels }).map(([name, value]) =>
      part(name, value),
    );
    return `${base}/metrics${part('job', job)}${key.join('')}`;
  },
  // Even an empty push creates a gateway group. A push path is recognized by the method it does not allow.
  probe: { method: 'GET', members: [gzipSync('')], accepted: [405] },
  responses: [
    // A gateway returns no text for a push that it accepts.
    { when: 202, text: NOTHING, action: 'done', reason: 'unchecked' },
    { when: 200, text: NOTHING, action: 'done', reason: 'ok' },
    {
      when: 400,
      text: /is not a [A-Z]+|inconsistent|should have/,
      page: false,
      action: 'narrow',
      reason: 'type_conflict',
      hint: 'another group of the gateway has this metric with a different type: delete that group there',
    },
    {
      when: 400,
      // Our first line is a comment, so the gateway has not read the batch as it was sent.
      text: /\bline 1: invalid metric name/,
      page: false,
      action: 'pause',
      reason: 'encoding',
      hint: 'a Pushgateway before 1.5 does not support gzip: set compression of the exporter to none',
    },
    {
      when: 400,
      text: /\bline \d|collected|pushed metrics|timestamps|gzip|unexpected EOF/i,
      page: false,
      action: 'narrow',
      reason: 'rejected',
      hint: 'the receiver rejects a line of this batch',
    },
    {
      when: 400,
      text: /odd number of components|base64|label name/i,
      action: 'pause',
      reason: 'path',
      hint: 'the url ends with part of a grouping key: omit /metrics/job/ and everything after it, the agent adds that itself',
    },
    { when: 413, action: 'drop', reason: 'too_large', hint: "raise the proxy's limit for request bodies" },
    { when: 408, action: 'retry', reason: 'busy', tries: 2 },
    { when: 425, action: 'retry', reason: 'busy', tries: 2 },
    { when: 429, action: 'retry', reason: 'busy', tries: 2 },
    { when: [500, 599], action: 'retry', reason: 'server_error', tries: 2 },
    // Debian's Pushgateway 1.11 panics while it rejects a push.
    {
      when: 'network',
      text: /^(?:ECONNRESET|EPIPE): (?!connect)/,
      action: 'narrow',
      otherwise: 'retry',
      reason: 'network',
    },
    // A push continues at the gateway after the client has disconnected. Sending it again only adds to the load.
    { when: 'timeout', action: 'drop', reason: 'timeout' },
    ...ADDRESS_RESPONSES,
  ],
  timeoutMs: 10_000,
  retries: 3,
  keepsHistory: false,
};
