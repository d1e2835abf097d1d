/** What a receiver made of a part of a body; `unclear` when that says nothing about the part. */
export type Verdict = 'taken' | 'unclear' | { readonly refusal: string };

/** Tries parts of one body. */
export interface PartTries {
  /** Sends these families beside what the receiver has. */
  part(families: readonly string[]): Promise<Verdict>;
  /** Sends these families in place of what the receiver has. */
  whole(families: readonly string[]): Promise<Verdict>;
}

/** A family that is refused by itself. */
export interface RefusedFamily {
  readonly family: string;
  readonly reason: string;
}

/** The result of {@link narrow}: whether the rest was taken, and what was refused. */
export interface Narrowed {
  readonly isTaken: boolean;
  readonly refused: readonly RefusedFamily[];
}

/** Uploads for one body, at most: a dozen refused families of a thousand. */
const MOST_TRIES = 128;

/**
 * Finds the families for which a receiver refuses a body, and delivers the rest. A family that the refusal names is
 * believed at once; else it is found by halving, and only blamed when it is refused by itself as well. `suspects`, if
 * any, are looked at first.
 */
export async function narrow(
  families: readonly string[],
  suspects: readonly string[],
  refusal: string,
  tries: PartTries,
): Promise<Narrowed> {
  const refused: RefusedFamily[] = [];
  const counted = limited(tries);
  let left = families;
  let said = refusal;
  let where = families.filter((family) => suspects.includes(family));
  while (left.length > 0) {
    const bad = namedIn(said, left) ?? (await found(where, counted)) ?? (await found(left, counted));
    if (bad === undefined) break;
    refused.push({ family: bad, reason: said });
    left = left.filter((family) => family !== bad);
    where = where.filter((family) => family !== bad);
    if (left.length === 0) break;
    const verdict = await counted.whole(left);
    if (verdict === 'taken') return { isTaken: true, refused };
    if (verdict === 'unclear') break;
    said = verdict.refusal;
  }
  return { isTaken: false, refused };
}

/** The family of these that a refusal names: `collected metric "x" {…} is not a GAUGE`. */
export function namedIn(refusal: string, families: readonly string[]): string | undefined {
  for (const [, name = ''] of refusal.matchAll(/\b(?:metric|family)(?: name)? "?([a-zA-Z_:][a-zA-Z0-9_:]*)/g)) {
    if (families.includes(name)) return name;
    const whole = name.replace(/_(?:bucket|sum|count)$/, '');
    if (families.includes(whole)) return whole;
  }
  return undefined;
}

/** One that is refused, by halving; undefined when none is refused by itself, or when that can't be known. */
async function found(families: readonly string[], { part }: PartTries): Promise<string | undefined> {
  let left = families;
  while (left.length > 1) {
    const half = left.slice(0, Math.ceil(left.length / 2));
    const verdict = await part(half);
    if (verdict === 'unclear') return undefined;
    left = verdict === 'taken' ? left.slice(half.length) : half;
  }
  const verdict = left.length === 1 ? await part(left) : 'unclear';
  return typeof verdict === 'object' ? left[0] : undefined;
}

function limited({ part, whole }: PartTries): PartTries {
  let count = 0;
  const within =
    (send: PartTries['part']): PartTries['part'] =>
    async (families) =>
      ++count > MOST_TRIES ? 'unclear' : send(families);
  return { part: within(part), whole: within(whole) };
}
