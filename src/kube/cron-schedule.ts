// Schedules of CronJobs: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax. A time
// matches as in the CronJob controller: a local time skipped by the clock never occurs, a repeated one occurs twice,
// and when both day fields are restricted, either is enough. A step may be wider than its range: then only the first
// value of the range fires.
import { localOffsetMinutes } from './time-zone.ts';

/** A parsed schedule. */
interface CronSchedule {
  /**
   * The first time it fires after `seconds` since 1970, in the same unit; undefined when it does not fire within five
   * years.
   */
  next(seconds: number): number | undefined;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly words?: readonly string[];
}

const FIELDS = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, words: ' jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { name: 'day of week', min: 0, max: 6, words: 'sun mon tue wed thu fri sat'.split(' ') },
] as const satisfies readonly Field[];

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const MAX_LENGTH = 1024;
const DAY_MINUTES = 24 * 60;
const SEARCH_DAYS = 5 * 366;

/**
 * Parses five fields, a descriptor such as `@hourly`, or `@every 1h30m`, optionally prefixed with `TZ=<zone>` or
 * `CRON_TZ=<zone>`. `zone` is an IANA name; without one the process's own zone applies. Throws an Error that describes
 * the problem.
 */
export function parseCronSchedule(text: string, zone?: string): CronSchedule {
  if (text.length > MAX_LENGTH) throw new Error(`the schedule is longer than ${MAX_LENGTH} characters`);
  const prefixed = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/s.exec(text.trim());
  if (prefixed && zone !== undefined) throw new Error('time zone given both in the schedule and separately');
  const timeZone = prefixed?.[1] ?? zone;
  const schedule = prefixed?.[2] ?? text.trim();
  const offsetMinutes = localOffsetMinutes(timeZone);
  const every = /^@every\s+(\S+)$/.exec(schedule);
  if (every) {
    const delay = goDurationSeconds(every[1] ?? '');
    return { next: (seconds) => Math.floor(seconds) + delay };
  }
  const parts = (DESCRIPTORS[schedule] ?? schedule).split(/\s+/);
  if (parts.length !== FIELDS.length) throw new Error(`expected ${FIELDS.length} fields, got ${parts.length}`);
  const [minutes, hours, days, months, weekdays] = FIELDS;
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = parts;
  const fields: Fields = {
    minutes: parseField(first, minutes),
    hours: parseField(second, hours),
    days: parseField(third, days),
    months: parseField(fourth, months),
    weekdays: parseField(fifth, weekdays),
  };
  return { next: (seconds) => nextTime(fields, offsetMinutes, seconds) };
}

interface FieldMatch {
  readonly values: ReadonlySet<number>;
  /** Whether the field has `*` or `?`, so that it does not restrict the day. */
  readonly any: boolean;
}

type Fields = Readonly<Record<'minutes' | 'hours' | 'days' | 'months' | 'weekdays', FieldMatch>>;

function parseField(text: string, field: Field): FieldMatch {
  const values = new Set<number>();
  let any = false;
  for (const range of text.split(',').filter((part) => part !== '')) {
    const [bounds = '', stepText, ...more] = range.split('/');
    if (more.length > 0) throw new Error(`${field.name}: too many slashes in ${JSON.stringify(range)}`);
    const [first = '', last, ...rest] = bounds.split('-');
    const star = first === '*' || first === '?';
    // The controller ignores anything after a star and a hyphen.
    if (rest.length > 0 && !star) throw new Error(`${field.name}: too many hyphens in ${JSON.stringify(range)}`);
    const start = star ? field.min : number(first, field);
    // "5/10" means from 5 to the end of the field's range.
    const single = stepText === undefined ? start : field.max;
    const end = star ? field.max : last === undefined ? single : number(last, field);
    const step = stepText === undefined ? 1 : stepOf(stepText, field);
    if (start > end) throw new Error(`${field.name}: ${JSON.stringify(range)} ends before it starts`);
    for (let value = start; value <= end; value += step) values.add(value);
    any ||= star && step === 1;
  }
  return { values, any };
}

function number(text: string, { name, min, max, words }: Field): number {
  const word = text === '' ? -1 : (words ?? []).indexOf(text.toLowerCase());
  const value = word >= 0 ? word : wholeNumber(text);
  if (!(value >= min && value <= max)) throw new Error(`${name}: ${JSON.stringify(text)} is not in ${min}-${max}`);
  return value;
}

function stepOf(text: string, { name }: Field): number {
  const step = wholeNumber(text);
  if (!(step >= 1)) throw new Error(`${name}: ${JSON.stringify(text)} is not a valid step`);
  return step;
}

/** A non-negative number as parsed by Go's Atoi; NaN for anything else. */
const wholeNumber = (text: string): number => (/^\+?\d{1,18}$/.test(text) ? Number(text) : Number.NaN);

/** Local times are stored as if they were UTC, so that the calendar is plain arithmetic. */
function nextTime(
  { minutes, hours, days, months, weekdays }: Fields,
  offsetMinutes: (utcMinutes: number) => number,
  seconds: number,
): number | undefined {
  const after = Math.floor(seconds / 60);
  let day = Math.floor((after + offsetMinutes(after)) / DAY_MINUTES);
  for (const end = day + SEARCH_DAYS; day < end; day++) {
    const date = new Date(day * DAY_MINUTES * 60_000);
    if (!months.values.has(date.getUTCMonth() + 1)) continue;
    const byMonth = days.values.has(date.getUTCDate());
    const byWeek = weekdays.values.has(date.getUTCDay());
    if (!(days.any || weekdays.any ? byMonth && byWeek : byMonth || byWeek)) continue;
    const start = day * DAY_MINUTES;
    // Only the offsets around the day can apply on it: clocks change at most once in a few days.
    const offsets = new Set([offsetMinutes(start - DAY_MINUTES), offsetMinutes(start + 2 * DAY_MINUTES)]);
    let first: number | undefined;
    for (const hour of hours.values) {
      for (const minute of minutes.values) {
        for (const offset of offsets) {
          const utc = start + hour * 60 + minute - offset;
          if (utc > after && !(first !== undefined && first <= utc) && offsetMinutes(utc) === offset) first = utc;
        }
      }
    }
    if (first !== undefined) return first * 60;
  }
  return undefined;
}

const GO_DURATION = /^(?:\d+(?:\.\d+)?(?:h|m(?!s)|s|ms|us|µs|ns))+$/;
const SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };

/** Whole seconds, at least one, of Go's `1h30m`. */
function goDurationSeconds(text: string): number {
  if (!GO_DURATION.test(text)) throw new Error(`${JSON.stringify(text)} is not a duration`);
  let seconds = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)) {
    seconds += Number(amount) * (SECONDS[unit] ?? 0);
  }
  if (seconds < 1) throw new Error(`${JSON.stringify(text)} is shorter than a second`);
  return Math.floor(seconds);
}
