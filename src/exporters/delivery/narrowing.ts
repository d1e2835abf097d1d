/** The receiver's verdict on a part of a batch; `unclear` when the response does not concern the part. */
export type PartVerdict = 'accepted' | 'unclear' | { readonly rejection: string };

/** Sends parts of one batch. */
interface PartTries {
  /** Sends these families in addition to those the receiver has. */
  part(families: readonly string[]): Promise<PartVerdict>;
  /** Sends these families as a replacement of those the receiver has. */
  whole(families: readonly string[]): Promise<PartVerdict>;
}

/** A family that is rejected even when sent alone. */
interface RejectedFamily {
  readonly family: string;
  readonly reason: string;
}

/** The result of {@link narrow}: whether the rest was accepted, and which families were rejected. */
interface Narrowed {
  readonly isAccepted: boolean;
  readonly rejected: readonly RejectedFamily[];
}

/** Maximum uploads for one batch: enough for a dozen rejected families of a thousand. */
const MAX_TRIES = 128;

/**
 * Finds the families for which a receiver rejects a batch, and delivers the rest. A family named by the rejection is
 * accepted as the cause immediately. Otherwise it is found by bisection, and blamed only if it is also rejected when
 * sent alone. `suspects`, if any, are checked first.
 */
export async function narrow(
  families: readonly string[],
  suspects: readonly string[],
  rejection: string,
  tries: PartTries,
): Promise<Narrowed> {
  const rejected: RejectedFamily[] = [];
  const counted = limited(tries);
  let left = families;
  let message = rejection;
  let suspected = families.filter((family) => suspects.includes(family));
  while (left.length > 0) {
    const culprit = namedIn(message, left) ?? (await found(suspected, counted)) ?? (await found(left, counted));
    if (culprit === undefined) break;
    rejected.push({ family: culprit, reason: message });
    left = left.filter((family) => family !== culprit);
    suspected = suspected.filter((family) => family !== culprit);
    if (left.length === 0) break;
    const verdict = await counted.whole(left);
    if (verdict === 'accepted') return { isAccepted: true, rejected };
    if (verdict === 'unclear') break;
    message = verdict.rejection;
  }
  return { isAccepted: false, rejected };
}

/** The family, among these, that a rejection names: `collected metric "x" {…} is not a GAUGE`. */
export function namedIn(rejection: string, families: readonly string[]): string | undefined {
  for (const [, name = ''] of rejection.matchAll(/\b(?:metric|family)(?: name)? "?([a-zA-Z_:][a-zA-Z0-9_:]*)/g)) {
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
    left = verdict === 'accepted' ? left.slice(half.length) : half;
  }
  const verdict = left.length === 1 ? await part(left) : 'unclear';
  return typeof verdict === 'object' ? left[0] : undefined;
}

function limited({ part, whole }: PartTries): PartTries {
  let count = 0;
  const within =
    (send: PartTries['part']): PartTries['part'] =>
    async (families) =>
      ++count > MAX_TRIES ? 'unclear' : send(families);
  return { part: within(part), whole: within(whole) };
}
