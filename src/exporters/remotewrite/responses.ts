import type { ResponseRule } from '../http/responses.ts';
import { ADDRESS_RESPONSES, ruleFor } from '../http/responses.ts';
import type { UploadAttempt } from '../http/sender.ts';

const REFUSED: ResponseRule['when'] = [400, 422];

/** A request that arrives damaged is resent, but not forever: all later ones wait for it. */
const TRANSPORT_TRIES = 5;

/** The meaning of each response. The first match applies. */
export const RESPONSES: readonly ResponseRule[] = [
  { when: [200, 204], page: false, action: 'done', reason: 'ok' },
  {
    when: 400,
    text: /unexpected EOF|cannot read|corrupt input/i,
    page: false,
    action: 'retry',
    reason: 'transport',
    hint: 'the receiver got an incomplete or damaged request: check any proxy in between',
    tries: TRANSPORT_TRIES,
  },
  {
    when: REFUSED,
    text: /out[ -]of[ -]order|sample-out-of-order/i,
    page: false,
    action: 'drop',
    reason: 'out_of_order',
    hint: 'the receiver has newer samples of these series: another agent pushes them as well, or its out-of-order window is 0',
  },
  {
    when: REFUSED,
    text: /duplicate|new-value-for-timestamp/i,
    page: false,
    action: 'drop',
    reason: 'duplicate',
    hint: 'the receiver has different values of these series for the same time: two agents push the same series',
  },
  {
    when: REFUSED,
    text: /too old|timestamp-too-old|out of bounds|too-far-in-past/i,
    page: false,
    action: 'drop',
    reason: 'too_old',
    hint: 'the receiver does not accept samples that old, or the clock of this node is wrong',
  },
  {
    when: REFUSED,
    text: /too far in(?:to)? the future|too-far-in-future/i,
    page: false,
    action: 'drop',
    reason: 'too_new',
    hint: 'the clock of this node is ahead of the receiver’s: check NTP on both',
  },
  {
    when: 409,
    page: false,
    action: 'drop',
    reason: 'out_of_order',
    hint: 'the receiver has newer samples of these series',
  },
  { when: 413, action: 'split', reason: 'too_large', hint: "sending smaller requests; raise the receiver's limit" },
  {
    when: 415,
    action: 'pause',
    reason: 'encoding',
    hint: 'the receiver does not support this version of remote write (without `version`, 1.0 is tried after 2.0): check the path of the url',
  },
  { when: 408, action: 'retry', reason: 'busy' },
  { when: 425, action: 'retry', reason: 'busy' },
  { when: 429, action: 'retry', reason: 'busy', hint: 'the receiver limits the sample rate' },
  { when: [500, 599], action: 'retry', reason: 'server_error' },
  { when: 'timeout', action: 'retry', reason: 'timeout' },
  ...ADDRESS_RESPONSES,
];

const REJECTED: ResponseRule = {
  when: REFUSED,
  action: 'drop',
  reason: 'rejected',
  hint: 'the receiver rejects a sample of this request',
};

/** The rule for a response. The protocol forbids resending a request whose response was 400. */
export function ruleOf(attempt: UploadAttempt): ResponseRule {
  const rule = ruleFor(RESPONSES, attempt);
  const isRejected = (attempt.code === 400 || attempt.code === 422) && attempt.isPage !== true;
  return isRejected && rule.reason === 'refused' ? REJECTED : rule;
}
