import { gzipSync } from 'node:zlib';
import type { Protocol } from '../delivery/protocol.ts';
import { NOT_THE_BODY } from '../http/answers.ts';
import { splitByIdentity } from './by-identity.ts';

const NOTHING = /^$/;

/** Values that may stand in a path as they are: anything else is redirected, split or refused by the gateway. */
const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/;

const part = (name: string, value: string): string => {
  if (PLAIN.test(value)) return `/${name}/${value}`;
  return `/${name}@base64/${Buffer.from(value).toString('base64url') || '='}`;
};

/**
 * Prometheus Pushgateway. PUT replaces the whole group, so that series which are gone vanish; the grouping key is
 * job, instance and the labels that all series share. A gateway keeps one value: no queue, no replay.
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
  // Also an empty push makes a group; a push path is told by what it may not be asked with.
  question: { method: 'GET', members: [gzipSync('')], taken: [405] },
  answers: [
    // A gateway has no word to say about a push that it took.
    { when: 202, text: NOTHING, action: 'done', reason: 'unchecked' },
    { when: 200, text: NOTHING, action: 'done', reason: 'ok' },
    {
      when: 400,
      text: /is not a [A-Z]+|inconsistent|should have/,
      page: false,
      action: 'narrow',
      reason: 'type_conflict',
      hint: 'another group has this metric with another type; delete that group',
    },
    {
      when: 400,
      // Our first line is a comment, so this one is not read as it was written.
      text: /\bline 1: invalid metric name/,
      page: false,
      action: 'pause',
      reason: 'encoding',
      hint: 'a Pushgateway before 1.5 does not read gzip: set compression of the exporter to none',
    },
    {
      when: 400,
      text: /\bline \d|collected|pushed metrics|timestamps|gzip|unexpected EOF/i,
      page: false,
      action: 'narrow',
      reason: 'rejected',
      hint: 'the receiver refuses a line of this body',
    },
    {
      when: 400,
      text: /odd number of components|base64|label name/i,
      action: 'pause',
      reason: 'path',
      hint: 'the url ends in a part of a group: leave out all from /metrics/job/ on, the agent adds that itself',
    },
    { when: 413, action: 'drop', reason: 'too_large', hint: "raise the proxy's limit for bodies" },
    { when: 408, action: 'retry', reason: 'busy', tries: 2 },
    { when: 425, action: 'retry', reason: 'busy', tries: 2 },
    { when: 429, action: 'retry', reason: 'busy', tries: 2 },
    { when: [500, 599], action: 'retry', reason: 'server_error', tries: 2 },
    // Debian's Pushgateway 1.11 panics while it refuses a push.
    {
      when: 'network',
      text: /^(?:ECONNRESET|EPIPE): (?!connect)/,
      action: 'narrow',
      otherwise: 'retry',
      reason: 'network',
    },
    // A push goes on at the gateway after the client has left: sending it again only adds to its load.
    { when: 'timeout', action: 'drop', reason: 'timeout' },
    ...NOT_THE_BODY,
  ],
  timeoutMs: 10_000,
  retries: 3,
  keepsHistory: false,
};
