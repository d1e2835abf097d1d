import type { Protocol } from './protocol.ts';

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
  url(base, { job, instance, labels }) {
    const key = Object.entries({ instance, ...labels }).map(([name, value]) => part(name, value));
    return `${base}/metrics${part('job', job)}${key.join('')}`;
  },
  answers: [
    { when: 202, action: 'done', reason: 'unchecked' },
    { when: [200, 299], action: 'done', reason: 'ok' },
    { when: [300, 399], action: 'drop', reason: 'redirect', hint: 'redirects are not followed; correct the url' },
    {
      when: 400,
      text: /is not a|inconsistent/i,
      action: 'drop',
      reason: 'type_conflict',
      hint: 'another group has this metric with another type; delete that group',
    },
    { when: 400, action: 'drop', reason: 'rejected', hint: 'the receiver refuses this body' },
    { when: [401, 403], action: 'pause', reason: 'auth', hint: 'check auth and its file; trying again in a minute' },
    { when: [404, 405], action: 'drop', reason: 'path', hint: 'check the path of the url' },
    { when: 413, action: 'drop', reason: 'too_large', hint: "raise the proxy's limit for bodies" },
    { when: 408, action: 'retry', reason: 'busy', tries: 2 },
    { when: 425, action: 'retry', reason: 'busy', tries: 2 },
    { when: 429, action: 'drop', reason: 'busy' },
    { when: 503, action: 'drop', reason: 'busy' },
    { when: [500, 599], action: 'retry', reason: 'server_error', tries: 2 },
    { when: 'network', action: 'retry', reason: 'network' },
    // A push goes on at the gateway after the client has left: sending it again only adds to its load.
    { when: 'timeout', action: 'drop', reason: 'timeout' },
    { when: [400, 499], action: 'drop', reason: 'rejected' },
  ],
  timeoutMs: 10_000,
  retries: 3,
  keepsHistory: false,
};
