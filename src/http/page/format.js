// Human-readable numbers, sizes and times.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/**
 * 1234567 → `1,234,567`.
 * @param {number} value
 */
export const count = (value) => value.toLocaleString('en-US', { maximumFractionDigits: 0 });

/**
 * `1 collector`, `2 collectors`.
 * @param {number} value
 * @param {string} one
 * @param {string} [many]
 */
export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/**
 * 0.123 → `12 %`; less than half a percent is shown as such.
 * @param {number} part
 */
export const percent = (part) => (part > 0 && part < 0.005 ? '<1 %' : `${Math.round(part * 100)} %`);

/**
 * 1536 → `1.5 KiB`.
 * @param {number} value
 */
export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = value < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${shortNumber(value / 1024 ** power)} ${units[power]}`;
}

/**
 * How long something took: `42 µs`, `1.2 ms`, `3.4 s`.
 * @param {number} seconds
 */
export function took(seconds) {
  if (seconds < 0.001) return `${shortNumber(seconds * 1e6)} µs`;
  if (seconds < 1) return `${shortNumber(seconds * 1000)} ms`;
  return seconds < 100 ? `${shortNumber(seconds)} s` : span(seconds);
}

/**
 * A time span in its two largest units: `42 s`, `3 min 5 s`, `2 h 10 min`, `5 d 3 h`.
 * @param {number} seconds
 */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return pair(whole, MINUTE, 'min', 1, 's');
  return whole < DAY ? pair(whole, HOUR, 'h', MINUTE, 'min') : pair(whole, DAY, 'd', HOUR, 'h');
}

/**
 * How long ago: `now`, `12 s ago`, `3 min ago`, `2 h ago`, `5 d ago`.
 * @param {number} seconds
 */
export function ago(seconds) {
  const whole = Math.floor(seconds);
  if (whole < 1) return 'now';
  if (whole < 2 * MINUTE) return `${whole} s ago`;
  if (whole < 2 * HOUR) return `${Math.floor(whole / MINUTE)} min ago`;
  return whole < 2 * DAY ? `${Math.floor(whole / HOUR)} h ago` : `${Math.floor(whole / DAY)} d ago`;
}

/**
 * A clock time of this browser: `14:03:07`.
 * @param {number} milliseconds since 1970
 */
export const clock = (milliseconds) => new Date(milliseconds).toLocaleTimeString('en-GB');

/**
 * `a`, `a and b`, `a, b and c`.
 * @param {readonly string[]} items
 */
export const list = (items) =>
  items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;

/** @param {number} value */
const shortNumber = (value) =>
  value === 0 || value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(value < 10 ? 2 : 3)));

/**
 * @param {number} seconds
 * @param {number} large
 * @param {string} largeName
 * @param {number} small
 * @param {string} smallName
 */
function pair(seconds, large, largeName, small, smallName) {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`;
}
