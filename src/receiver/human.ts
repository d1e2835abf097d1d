// Human-readable numbers: at most six characters, a space and a unit.

const BINARY: readonly string[] = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const DECIMAL: readonly string[] = ['', 'k', 'M', 'G', 'T', 'P'];

/** `1.4 GiB`. */
export function humanBytes(bytes: number): string {
  const [value, unit] = scale(bytes, 1024, BINARY);
  return `${value} ${unit}`;
}

/** A part of a whole in the whole's unit: `5.9 of 7.8 GiB`. */
export function shareText(part: number, whole: number | undefined): string {
  if (whole === undefined) return humanBytes(part);
  const [value, unit] = scale(whole, 1024, BINARY);
  const size = 1024 ** BINARY.indexOf(unit);
  return `${(part / size).toFixed(value.includes('.') ? 1 : 0)} of ${value} ${unit}`;
}

/** `1.2 MB/s`. */
export function byteRateText(bytesPerSecond: number): string {
  const [value, unit] = scale(bytesPerSecond, 1000, DECIMAL);
  return `${value} ${unit}B/s`;
}

/** `950`, `12.3k`, `4.5M`. */
export function countText(count: number): string {
  const [value, unit] = scale(count, 1000, DECIMAL);
  return value + unit;
}

/** `41%`. */
export const percentText = (share: number): string => `${Math.round(share * 100)}%`;

/** `5s`, `3m20s`, `2h05m`, `4d03h`. */
export function ageText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d${two((seconds % 86_400) / 3600)}h`;
}

function scale(value: number, step: number, units: readonly string[]): [string, string] {
  let rest = value;
  let index = 0;
  // 999.5 would round to four digits.
  while (Math.abs(rest) >= step - 0.5 && index < units.length - 1) {
    rest /= step;
    index++;
  }
  const digits = Number.isInteger(rest) || Math.abs(rest) >= 99.95 ? 0 : 1;
  return [rest.toFixed(digits), units[index] ?? ''];
}
