import type { Target } from '../../config/identity.ts';
import type { Body } from '../exporter.ts';
import type { AnswerRule } from '../http/answers.ts';

/** How one kind of receiver is spoken to, as data. */
export interface Protocol {
  /** As in `exporters.NAME.type`. */
  readonly type: string;
  readonly method: 'POST' | 'PUT';
  /** How a part of a body is sent that is to stay beside the rest, for receivers where `method` replaces all. */
  readonly partMethod?: 'POST';
  /**
   * Splits a batch whose lines carry their own job and instance into one for each of these; for receivers that take the
   * identity from the address only. Others get such a batch as it is.
   */
  readonly byIdentity?: (body: Body, labels: Target['labels']) => Promise<(Body & Required<Pick<Body, 'target'>>)[]>;
  /** How a group is deleted, at the address for its bodies; for receivers that keep what they got for ever. */
  readonly deleteMethod?: 'DELETE';
  /**
   * The address for a body of `target` that was collected at `stampMs`. `isPlain` asks for the form that old versions
   * know as well, where {@link hasPlainUrls}.
   */
  url(base: string, target: Target, stampMs: number, isPlain?: boolean): string;
  /** Whether old versions of the receiver want addresses of another form. */
  readonly hasPlainUrls?: boolean;
  /** Where remote write ends series of `target`, if the receiver has that. */
  endUrl?(base: string, target: Target): string;
  /** A request that stores nothing, and the statuses by which a receiver shows that it would take a push. */
  readonly question: {
    readonly method: 'GET' | 'POST';
    readonly members: readonly Buffer[];
    readonly taken: readonly number[];
  };
  /** What each answer means; first match counts. */
  readonly answers: readonly AnswerRule[];
  /** How long the receiver may think, when the configuration does not say; milliseconds. */
  readonly timeoutMs: number;
  /** How often one body is sent again, when the configuration does not say. */
  readonly retries: number;
  /**
   * Whether the receiver files bodies under their stamps, so that older ones are worth keeping; otherwise a newer body
   * takes the place of one that waits.
   */
  readonly keepsHistory: boolean;
}
