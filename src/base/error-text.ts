/** The text of a thrown value: an Error's message, anything else as a string. */
export const errorText = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** The code of a Node.js or system error, such as `ENOENT` or `ERR_BUFFER_TOO_LARGE`. */
export const errorCode = (cause: unknown): string | undefined =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
