/** The text of a thrown value: an Error's message, anything else as a string. */
export const errorText = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** The code of a Node.js or system error, such as `ENOENT` or `ERR_BUFFER_TOO_LARGE`. */
export const errorCode = (cause: unknown): string | undefined =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;

/** A thrown value as an error. */
export const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));

/** The error of the first address, if a name with several addresses has failed with one for each; otherwise `cause`. */
export const firstCause = (cause: unknown): unknown => (cause instanceof AggregateError ? cause.errors[0] : cause);
