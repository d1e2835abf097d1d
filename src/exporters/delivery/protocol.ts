import type { Target } from '../../config/identity.ts';
import type { AddressedBatch, Batch } from '../exporter.ts';
import type { ResponseRule } from '../http/responses.ts';

/** Text in the format of a receiver. */
export interface RewrittenText {
  /** Empty when nothing is left. */
  readonly text: Buffer;
  /** Number of samples that the format cannot express, such as NaN. */
  readonly omitted: number;
}

/** The protocol of one kind of receiver, as data. */
export interface Protocol {
  /** As in `exporters.NAME.type`. */
  readonly type: string;
  readonly method: 'POST' | 'PUT';
  /** How to add a part of a batch to the rest, for receivers where `method` replaces everything. */
  readonly partMethod?: 'POST';
  /**
   * Splits a batch whose lines carry their own job and instance into one for each of these. For receivers that take the
   * identity from the address only. Others get such a batch unchanged.
   */
  readonly byIdentity?: (batch: Batch, labels: Target['labels']) => Promise<AddressedBatch[]>;
  /** How to delete what a batch has stored, at the same address. For receivers that keep data forever. */
  readonly deleteMethod?: 'DELETE';
  /**
   * The address for a batch of `target` collected at `stampMs`. `isPlain` selects the form that old versions also
   * support, where {@link hasPlainUrls}.
   */
  url(base: string, target: Target, stampMs: number, isPlain?: boolean): string;
  /** Whether old versions of the receiver need addresses of another form. */
  readonly hasPlainUrls?: boolean;
  /**
   * Rewrites text for receivers of another format. `text` has whole lines, with or without their own timestamps, up to some
   * 128 KiB of a batch; the payload is the concatenation of the results. Called at each upload, because queue and spool
   * keep the text: what they contain can be split, and sent by an exporter of another type.
   */
  readonly rewrite?: (text: Buffer, target: Target, stampMs: number) => RewrittenText;
  /** Surrounds and separates what `rewrite` returns for the parts of a batch, if a payload is one document, as in JSON. */
  readonly envelope?: { readonly start: string; readonly between: string; readonly end: string };
  /** Content-Type of batches; the text format when unset. */
  readonly contentType?: string;
  /** The remote-write address for stale markers of `target`, if the receiver supports it. */
  endUrl?(base: string, target: Target): string;
  /** A request that stores nothing, and the status codes that show that the receiver would accept a push. */
  readonly probe: {
    readonly method: 'GET' | 'POST';
    readonly members: readonly Buffer[];
    readonly accepted: readonly number[];
    /** Further condition on the receiver's message. */
    readonly text?: RegExp;
  };
  /** The meaning of each response. The first match applies. */
  readonly responses: readonly ResponseRule[];
  /** Default response timeout, milliseconds. */
  readonly timeoutMs: number;
  /** Default number of retries of one batch. */
  readonly retries: number;
  /**
   * Whether the receiver stores batches under their own timestamps, so that older ones are worth keeping. Otherwise a
   * newer batch replaces a queued one.
   */
  readonly keepsHistory: boolean;
}
