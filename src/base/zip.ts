/** Pairs of the elements of two lists with the same index, up to the end of the shorter list. */
export function* zip<One, Other>(ones: readonly One[], others: readonly Other[]): Generator<readonly [One, Other]> {
  const length = Math.min(ones.length, others.length);
  for (let index = 0; index < length; index++) yield [ones[index] as One, others[index] as Other];
}
