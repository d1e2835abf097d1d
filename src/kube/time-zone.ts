/** Formatters cost about 50 µs and 20 kB each; a cluster uses few zones, but users choose them. */
const formatters = new Map<string, Intl.DateTimeFormat>();
const FORMATTERS_LIMIT = 50;

/**
 * For the IANA zone `zone`, or the process's own: how many minutes local time is ahead of UTC at a time given in
 * minutes since 1970. Throws a RangeError for an unknown zone.
 */
export function localOffsetMinutes(zone?: string): (utcMinutes: number) => number {
  if (zone === 'UTC') return () => 0;
  if (zone === undefined) return (utcMinutes) => -new Date(utcMinutes * 60_000).getTimezoneOffset();
  const formatter = formatterOf(zone);
  return (utcMinutes) => {
    const parts: Partial<Record<string, number>> = {};
    for (const { type, value } of formatter.formatToParts(utcMinutes * 60_000)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute) / 60_000 - utcMinutes;
  };
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known) return known;
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  if (formatters.size >= FORMATTERS_LIMIT) formatters.clear();
  formatters.set(zone, formatter);
  return formatter;
}
