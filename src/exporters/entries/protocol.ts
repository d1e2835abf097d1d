import type { LogEntry } from '../../logs/entry.ts';

/** The response of a receiver to one upload. */
export interface LogReply {
  /** HTTP status code; `error` without a response. */
  readonly code: number | 'error';
  /** `network`: connection failed or broken; `timeout`: no response in time. */
  readonly failure?: 'network' | 'timeout';
  /** The receiver's message, or the error. At most 300 characters, without secrets. */
  readonly text: string;
  /** Whether the message is a web page. */
  readonly isPage?: boolean;
  /** The settings of the exporter with the credentials of the request. */
  readonly credentials?: readonly string[];
  readonly retryAfterMs?: number;
  /** In lower case. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  /** The complete body, if requested with {@link LogProtocol.responseBytes}. */
  readonly body?: string;
}

/** An entry of an upload that the receiver rejects, by its index in the upload. */
export interface RejectedEntry {
  readonly index: number;
  /** Label of the metrics: a word such as `too_old`, never text of the receiver. */
  readonly reason: string;
}

/**
 * What a response means for the entries of the upload.
 *
 * - `accepted`: all are stored, except those that are `rejected` (dropped and counted) and those to send `again`.
 * - `retry`: nothing is known to be stored; the same entries again after a back-off.
 * - `too_large`: in two halves; a single entry is dropped.
 * - `rejected`: one of the entries is the cause, but the response does not name it: it is found by halving, and only
 *   that one is dropped.
 * - `address`: the response is not about the entries. They are kept, and an operator has to act.
 */
export type EntryVerdict =
  | { readonly kind: 'accepted'; readonly rejected?: readonly RejectedEntry[]; readonly again?: readonly number[] }
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly hint?: string;
      readonly afterMs?: number;
      /** An entry may be the cause: if it persists, the upload is treated as `rejected`. */
      readonly maybeEntry?: boolean;
    }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'rejected'; readonly reason: string; readonly hint?: string }
  | { readonly kind: 'address'; readonly reason: string; readonly hint?: string };

/** Output for encoded entries. */
export interface BodyWriter {
  text(text: string): void;
  bytes(bytes: Uint8Array): void;
}

/** The entries of an upload, by index. */
export interface EncodedEntries {
  readonly count: number;
  /** Microseconds since 1970. */
  timeUs(index: number): number;
  /** The bytes written by {@link LogProtocol.encode}. */
  bytes(index: number): Buffer;
  /** What {@link LogProtocol.encode} returned. */
  key(index: number): string;
}

/** How entries are sent to one kind of receiver, as data. Pure: the exporter makes the requests. */
export interface LogProtocol {
  /** Path and query appended to a configured url without a path. */
  readonly path: string;
  readonly contentType: string;
  /** Additional headers, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** Maximum size of an upload before compression; at most 1 MiB. */
  readonly maxBatchBytes: number;
  /** Maximum concurrent uploads, at most 4; 1 for a receiver that stores entries in the order of their arrival. */
  readonly parallel: number;
  /** Bytes of the response that {@link classify} needs as `body`; 0 for none. */
  readonly responseBytes: number;
  /** An upload that stores nothing, and the responses to it that show that uploads are accepted. */
  readonly probe: { readonly body: string; isAccepted(reply: LogReply): boolean };
  /** Appends an entry to a batch. Returns the key that {@link body} sorts entries by, if it does. */
  encode(entry: LogEntry, out: BodyWriter): string | undefined;
  /** The body of an upload before compression; if unset, the concatenated entries. */
  body?(entries: EncodedEntries): Buffer;
  classify(reply: LogReply, entries: EncodedEntries): EntryVerdict;
}
