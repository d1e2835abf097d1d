// Object.keys, entries and fromEntries lose the type of a record's keys. These keep it, for records created here, which
// have no further keys.

/** The entries of a record whose type names all its keys. */
export const entriesOf = <Key extends string, Value>(record: Readonly<Record<Key, Value>>): [Key, Value][] =>
  Object.entries<Value>(record) as [Key, Value][];

/** A record with a value for each of `keys`. */
export const recordOf = <Key extends string, Value>(
  keys: readonly Key[],
  make: (key: Key) => Value,
): Record<Key, Value> => Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<Key, Value>;

/** Whether `value` is a mapping of JSON or YAML, with any values. */
export const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a record has its own property `key`. */
export const isKeyOf = <Of extends object>(record: Of, key: PropertyKey): key is keyof Of => Object.hasOwn(record, key);
