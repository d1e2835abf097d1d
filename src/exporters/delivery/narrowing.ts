/** The receiver's verdict on a part of a batch; `unclear` when the response does not concern the part. */
export type Verdict = 'taken' | 'unclear' | { readonly refusal: string };

/** Sends parts of one batch. */
interface PartTries {
  /** Sends these families in addition to those the receiver has. */
  part(families: readonly string[]): Promise<Verdict>;
  /** Sends these families as a replacement of those the receiver has. */
  whole(families: readonly string[]): Promise<Verdict>;
}

/** A family that is rejected even when sent alone. */
interface RefusedFamily {
  readonly family: string;
  readonly reason: string;
}

/** The result of {@link narrow}: whether the rest was accepted, and which families were rejected. */
interface Narrowed {
  readonly isTaken: boolean;
  readonly refused: readonly RefusedFamily[];
}

/** Maximum uploads for one batch: enough for a dozen rejected families of a thousand. */
const MOST_TRIES = 128;

/**
 * Finds the families for which a receiver rejects a batch, and delivers the rest. A family named by the rejection is
 * accepted as the cause immediately. Otherwise it is found by bisection, and blamed only if it is also rejected when
 * sent alone. `suspects`, if any, are checked first.
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

/** The family, among these, that a rejection names: `collected metric "x" {…} is not a GAUGE`. */
export function namedIn(refusal: string, families: readonly string[]): string | undefined {
  for (const [, name = ''] of refusal.matchAll(/\b(?:metric|family)(?: name)? "?([a-zA-Z_:][a-zA-Z0-9_:]*)/g)) {
    if (families.includes(name)) return name;
    const whole = name.replace(/_(?:bucket|sum|count)$/, '');
    if (families.includes(whole)) return whole;
  }
  return undefined;
}

/** Finds a rejected family by bisection. Undefined when none is rejected alone, or when that can't be determined. */
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
