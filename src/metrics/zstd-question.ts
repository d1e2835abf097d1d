/**
 * A comment, not compressed though it is sent as zstd. Who knows zstd refuses it as none; who does not know it takes the
 * header for nothing and the text for a comment. Receivers before VictoriaMetrics 1.114 are of the second kind: they would
 * answer 204 to a body in zstd, and throw all of it away. Neither answer is a fault of anybody.
 */
export const ZSTD_QUESTION = Buffer.from('# firesteel asks whether zstd is read here; an error about it means yes\n');
