/** The elements of two lists at the same places, as far as both go. */
export function* zip<One, Other>(ones: readonly One[], others: readonly Other[]): Generator<readonly [One, Other]> {
  const length = Math.min(ones.length, others.length);
  for (let index = 0; index < length; index++) yield [ones[index] as One, others[index] as Other];
}
