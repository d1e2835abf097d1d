import type { Target } from '../config/identity.ts';
import type { AnswerRule } from './answers.ts';

/** How one kind of receiver is spoken to, as data. */
export interface Protocol {
  /** As in `exporters.NAME.type`. */
  readonly type: string;
  readonly method: 'POST' | 'PUT';
  /** The address for a body of `target` that was collected at `stampMs`. */
  url(base: string, target: Target, stampMs: number): string;
  /** What each answer means; first match counts. */
  readonly answers: readonly AnswerRule[];
  /** How long the receiver may think, when the configuration does not say; milliseconds. */
  readonly timeoutMs: number;
  /** How often one body is sent again, when the configuration does not say. */
  readonly retries: number;
  /** Bodies kept per group while the receiver does not take them; the oldest goes first. */
  readonly depth: number;
}
