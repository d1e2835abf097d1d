/**
 * An uncompressed comment that is sent as zstd. A receiver that supports zstd rejects it as invalid. One that does not
 * ignores the header and reads the text as a comment. VictoriaMetrics before 1.114 is of the second kind: it
 * would respond to a zstd payload with 204, and discard all of it. Neither response is a fault.
 */
export const ZSTD_QUESTION = Buffer.from(
  '# firesteel checks whether zstd is supported here; an error about it means yes\n',
);
