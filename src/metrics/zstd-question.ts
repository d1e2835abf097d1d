/**
 * An uncompressed comment that is sent as zstd. A receiver that supports zstd rejects it as invalid. One that does not
 * ignores the header and reads the text as a comment. Receivers before VictoriaMetrics 1.114 are of the second kind:
 * they would respond to a zstd payload with 204, and discard all of it. Neither response is a fault.
 */
export const ZSTD_QUESTION = Buffer.from(
  '# firesteel checks whether zstd is supported here; an error about it means yes\n',
);
