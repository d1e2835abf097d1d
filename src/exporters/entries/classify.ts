import { ADDRESS_RESPONSES, type ResponseRule, ruleFor } from '../http/responses.ts';
import type { EntryVerdict, LogReply } from './protocol.ts';

/** Responses with the same meaning for all receivers of entries; a protocol's own rows come first. */
export const COMMON_RESPONSES: readonly ResponseRule[] = [
  { when: [200, 204], page: false, action: 'done', reason: 'ok' },
  { when: 413, action: 'split', reason: 'too_large' },
  { when: 408, action: 'retry', reason: 'timeout' },
  { when: 425, action: 'retry', reason: 'too_early' },
  { when: 429, action: 'retry', reason: 'busy' },
  { when: [500, 599], action: 'retry', reason: 'server' },
  { when: 'timeout', action: 'retry', reason: 'timeout' },
  ...ADDRESS_RESPONSES,
];

/** The verdict of a table of responses, in which `drop` and `narrow` mean that one of the entries is the cause. */
export function classifyBy(rules: readonly ResponseRule[], reply: LogReply): EntryVerdict {
  const { action, reason, hint } = ruleFor(rules, reply);
  const why = { reason, ...(hint !== undefined && { hint }) };
  switch (action) {
    case 'done':
      return { kind: 'accepted' };
    case 'split':
      return { kind: 'too_large' };
    case 'pause':
      return { kind: 'address', ...why };
    case 'retry':
      return { kind: 'retry', ...why, ...(reply.retryAfterMs !== undefined && { afterMs: reply.retryAfterMs }) };
    default:
      return { kind: 'rejected', ...why };
  }
}
