// Quantities of the Kubernetes API ("100m", "1Gi", "1e3"): resource.Quantity in k8s.io/apimachinery. As there, values
// finer than the requested unit are rounded away from zero, and values that do not fit an int64 are clamped to it.

const QUANTITY = /^([+-]?)(\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d{1,3})?$/;
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

const NANO = 1_000_000_000n;
const MAX_WHOLE = 2n ** 63n - 1n;
/** Above this, thousandths do not fit an int64 and are dropped: MaxMilliValue of the package. */
const MAX_WITH_MILLIS = MAX_WHOLE / 1000n;

/** A quantity in JSON; numbers occur in custom resources and hand-written YAML. */
export type QuantityText = string | number | null | undefined;

/** Quantities repeat in the containers of a cluster, and reading one takes a microsecond. A full cache is cleared. */
const MAX_CACHED = 1000;
const MAX_CACHED_LENGTH = 40;

/** `read`, but each text is read once. */
function cached(read: (text: QuantityText) => number | undefined): (text: QuantityText) => number | undefined {
  const known = new Map<string, number | undefined>();
  return (text) => {
    if (typeof text !== 'string' || text.length > MAX_CACHED_LENGTH) return read(text);
    const found = known.get(text);
    if (found !== undefined) return found;
    if (known.size >= MAX_CACHED) known.clear();
    const value = read(text);
    known.set(text, value);
    return value;
  };
}

/** In whole units, rounded up; undefined when absent or not a quantity. */
export const wholeQuantity = cached((text) => {
  const nanos = parseNanos(text);
  return nanos === undefined ? undefined : Number(roundUp(nanos, NANO));
});

/** At milli precision, rounded up: `1500u` is 0.002. Undefined when absent or not a quantity. */
export const milliQuantity = cached((text) => {
  const nanos = parseNanos(text);
  if (nanos === undefined) return undefined;
  const whole = roundUp(nanos, NANO);
  return whole > MAX_WITH_MILLIS ? Number(whole) : Number(roundUp(nanos, NANO / 1000n)) / 1000;
});

/** As precise as a double. Undefined when absent or not a quantity. */
export function exactQuantity(text: QuantityText): number | undefined {
  const nanos = parseNanos(text);
  return nanos === undefined ? undefined : Number(nanos / NANO) + Number(nanos % NANO) / 1e9;
}

/** Billionths, the finest precision the API supports. */
function parseNanos(text: QuantityText): bigint | undefined {
  if (text === null || text === undefined) return undefined;
  const match = QUANTITY.exec(String(text));
  if (!match) return undefined;
  const [, sign, number = '', suffix = ''] = match;
  const [digits = '', fraction = ''] = number.split('.');
  const exponent =
    (DECIMAL[suffix] ?? (/^[eE][+-]?\d/.test(suffix) ? Number(suffix.slice(1)) : 0)) - fraction.length + 9;
  const scaled = BigInt(digits + fraction) << BigInt(BINARY[suffix] ?? 0);
  const nanos = exponent >= 0 ? scaled * 10n ** BigInt(exponent) : roundUp(scaled, 10n ** BigInt(-exponent));
  const bounded = nanos > MAX_WHOLE * NANO ? MAX_WHOLE * NANO : nanos;
  return sign === '-' ? -bounded : bounded;
}

function roundUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const rest = dividend % divisor;
  if (rest === 0n) return quotient;
  return rest > 0n ? quotient + 1n : quotient - 1n;
}
