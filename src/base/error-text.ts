/**
 * The text of a thrown value: an Error's message, anything else as a string. Of a connection to a name with several
 * addresses, which fails with one error for each and no message, the first, also where got has wrapped it without a message.
 */
export function errorText(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return errorText(cause.errors[0]);
  if (!(cause instanceof Error)) return String(cause);
  return cause.message === '' && cause.cause instanceof Error ? errorText(cause.cause) : cause.message;
}

/** The code of a Node.js or system error, such as `ENOENT` or `ERR_BUFFER_TOO_LARGE`. */
export const errorCode = (cause: unknown): string | undefined =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;

/** A thrown value as an error. */
export const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));
