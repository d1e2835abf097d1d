// Guards for what a state file holds: another version may have written it.

/** Whether all values are strings. */
export const areTexts = (values: readonly unknown[]): values is readonly string[] =>
  values.every((value) => typeof value === 'string');

/** Whether a value is a list of numbers. */
export const areNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'number');

/** The fields of a saved object; none of anything else. */
export const savedFields = (saved: unknown): Readonly<Partial<Record<string, unknown>>> =>
  typeof saved === 'object' && saved !== null ? { ...saved } : {};
