/** Orders pairs by their names, as compared by `<`. No two of them may have the same name. */
export const byName = (
  [one]: readonly [name: string, ...unknown[]],
  [other]: readonly [name: string, ...unknown[]],
): number => (one < other ? -1 : 1);
