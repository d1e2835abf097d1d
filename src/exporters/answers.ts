/** What one try came to. */
export interface Answer {
  /** HTTP status; `error` without an answer. */
  readonly code: number | 'error';
  /** `network`: no connection, or it broke; `timeout`: no answer in time. */
  readonly failure?: 'network' | 'timeout';
  /** What the receiver said, or the error; at most 300 characters, never a secret. */
  readonly text: string;
  readonly retryAfterMs?: number;
}

/**
 * What follows: `done`; `retry` after a backoff; `pause` keeps the body and leaves the receiver alone for a minute
 * (a person has to change something); `split` sends it in two parts; `drop` gives the body up, for it would be refused
 * again.
 */
export type Action = 'done' | 'retry' | 'pause' | 'split' | 'drop';

/** One row of a protocol's table of answers. */
export interface AnswerRule {
  /** A status, the first and last of a range, or a failure. */
  readonly when: number | readonly [first: number, last: number] | 'network' | 'timeout';
  /** Further condition on the receiver's words. */
  readonly text?: RegExp;
  readonly action: Action;
  /** Label of the self metrics, and what to do about it in the log. */
  readonly reason: string;
  readonly hint?: string;
  /** Tries that this answer allows at most, the first included. */
  readonly tries?: number;
}

const UNKNOWN: AnswerRule = { when: [0, 999], action: 'drop', reason: 'unexpected' };

/** The first rule of the table that fits the answer. */
export function ruleFor(rules: readonly AnswerRule[], answer: Answer): AnswerRule {
  const fits = ({ when, text }: AnswerRule) => {
    if (text && !text.test(answer.text)) return false;
    if (typeof when === 'string') return when === answer.failure;
    if (typeof when === 'number') return when === answer.code;
    return typeof answer.code === 'number' && answer.code >= when[0] && answer.code <= when[1];
  };
  return rules.find(fits) ?? UNKNOWN;
}
