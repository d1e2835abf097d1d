/** Series that are in no later push. */
export interface Ended {
  /** `name{labels}`. */
  readonly keys: readonly string[];
  /** Number of further series that have ended, whose keys were too many to keep. */
  readonly lost: number;
}

/**
 * Total length of the keys that may wait in one place, in characters: about 100,000 series, or all those of 1,800 pods with
 * two containers. Each place on the way to the receiver has the same limit, so that what fits into the first fits into all.
 */
export const MAX_ENDED_CHARACTERS = 16 * 1024 * 1024;

/** How many keys, from the first on, have at most this total length. */
export function countWithin(keys: readonly string[], characters: number): number {
  let left = characters;
  const tooMany = keys.findIndex(({ length }) => {
    left -= length;
    return left < 0;
  });
  return tooMany === -1 ? keys.length : tooMany;
}
