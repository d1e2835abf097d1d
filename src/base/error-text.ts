/** The text of whatever was thrown: an Error's message, anything else as a string. */
export const errorText = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
