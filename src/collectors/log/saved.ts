// Type guards for the content of a state file, which another version may have written.

/** Whether all values are strings. */
export const areTexts = (values: readonly unknown[]): values is readonly string[] =>
  values.every((value) => typeof value === 'string');

/** Whether a value is a list of numbers. */
export const areNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'number');

/** The fields of a saved object; none for other values. */
export const savedFields = (saved: unknown): Readonly<Partial<Record<string, unknown>>> =>
  typeof saved === 'object' && saved !== null ? { ...saved } : {};
