import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCronSchedule } from '../../src/kube/cron-schedule.ts';

process.env.TZ = 'UTC';

/** The first firing of `schedule` after `after`, as ISO text. */
function next(schedule: string, after: string, zone?: string): string | undefined {
  const seconds = parseCronSchedule(schedule, zone).next(Date.parse(after) / 1000);
  return seconds === undefined ? undefined : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

type Row = readonly [schedule: string, after: string, expected: string | undefined, zone?: string];

const rows: readonly Row[] = [
  ['* * * * *', '2026-03-28T12:00:00Z', '2026-03-28T12:01:00Z'],
  ['* * * * *', '2026-03-28T12:00:59Z', '2026-03-28T12:01:00Z'],
  ['25 * * * *', '2018-03-11T11:25:00Z', '2018-03-11T12:25:00Z'],
  ['*/15 9-17 * * mon-fri', '2026-03-27T17:50:00Z', '2026-03-30T09:00:00Z'],
  ['5/20 * * * *', '2026-03-28T12:05:00Z', '2026-03-28T12:25:00Z'],
  ['0 0 1,15 JAN,jul ?', '2026-01-15T00:00:00Z', '2026-07-01T00:00:00Z'],
  ['0 0 31 * *', '2026-01-31T00:00:00Z', '2026-03-31T00:00:00Z'],
  ['0 0 29 2 *', '2026-03-01T00:00:00Z', '2028-02-29T00:00:00Z'],
  // This day does not exist.
  ['0 0 30 2 *', '2026-03-01T00:00:00Z', undefined],
  // Both day fields are restricted: either is sufficient, as for the CronJob controller.
  ['0 0 15 * 1', '2026-03-03T00:00:00Z', '2026-03-09T00:00:00Z'],
  ['0 0 15 * 1', '2026-03-09T00:00:00Z', '2026-03-15T00:00:00Z'],
  ['@hourly', '2026-03-28T12:00:00Z', '2026-03-28T13:00:00Z'],
  ['@weekly', '2026-03-28T12:00:00Z', '2026-03-29T00:00:00Z'],
  ['@every 1h30m', '2026-03-28T12:00:07Z', '2026-03-28T13:30:07Z'],
  ['0 */6 * * *', '2018-03-11T04:34:56Z', '2018-03-11T10:00:00Z', 'Asia/Shanghai'],
  ['TZ=Asia/Kolkata 0 0 * * *', '2026-03-28T12:00:00Z', '2026-03-28T18:30:00Z'],
  ['CRON_TZ=Asia/Kolkata   @daily', '2026-03-28T12:00:00Z', '2026-03-28T18:30:00Z'],
  // A step wider than its range leaves the first value of the range.
  ['*/120 4-22 * * *', '2026-03-28T12:00:00Z', '2026-03-28T13:00:00Z'],
  ['0 */24 * * *', '2026-03-28T12:00:00Z', '2026-03-29T00:00:00Z'],
  ['0 0 */40 * *', '2026-03-28T12:00:00Z', '2026-04-01T00:00:00Z'],
  ['0 0 1 */13 *', '2026-03-28T12:00:00Z', '2027-01-01T00:00:00Z'],
  ['0 0 * * */7', '2026-03-28T12:00:00Z', '2026-03-29T00:00:00Z'],
  ['10-20/99999 * * * *', '2026-03-28T12:00:00Z', '2026-03-28T12:10:00Z'],
  ['50/30 * * * *', '2026-03-28T12:00:00Z', '2026-03-28T12:50:00Z'],
  // With such a step the star is a restriction: either day is sufficient.
  ['0 1 */32,1-7 * 3', '2026-03-08T00:00:00Z', '2026-03-11T01:00:00Z'],
  ['*-5 +3 * * *', '2026-03-28T12:00:00Z', '2026-03-29T03:00:00Z'],
  // On 2026-03-29 Berlin has no 2:30: the next one is a day later.
  ['30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z', 'Europe/Berlin'],
  // On 2026-10-25 it has two.
  ['30 2 * * *', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z', 'Europe/Berlin'],
  ['30 2 * * *', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', 'Europe/Berlin'],
];

for (const [schedule, after, expected, zone] of rows) {
  test(`${schedule} ${zone ?? ''} fires next after ${after} at ${expected ?? 'no time'}`, () => {
    assert.equal(next(schedule, after, zone), expected);
  });
}

const invalid: readonly (readonly [schedule: string, message: RegExp, zone?: string])[] = [
  ['', /expected 5 fields, got 1/],
  ['* * * *', /expected 5 fields, got 4/],
  ['@never', /expected 5 fields, got 1/],
  ['60 * * * *', /minute: "60" is not in 0-59/],
  ['* * * * 7', /day of week: "7" is not in 0-6/],
  ['* * 0 * *', /day of month: "0" is not in 1-31/],
  ['9-5 * * * *', /"9-5" ends before it starts/],
  ['*/0 * * * *', /minute: "0" is not a valid step/],
  ['*/-5 * * * *', /minute: "-5" is not a valid step/],
  ['*/mon * * * *', /minute: "mon" is not a valid step/],
  ['1-2-3 * * * *', /too many hyphens/],
  ['*/2/3 * * * *', /too many slashes/],
  ['@every soon', /not a duration/],
  ['@every 10ms', /shorter than a second/],
  ['* * * * *', /time zone/i, 'Mars/Olympus'],
  ['* * * * *', /time zone/i, ''],
  ['TZ=UTC * * * * *', /time zone given both in the schedule and separately/, 'UTC'],
  [`0 ${'1,'.repeat(1000)} * * *`, /longer than 1024 characters/],
];

for (const [schedule, message, zone] of invalid) {
  test(`${schedule.slice(0, 20)} ${zone ?? ''} is refused with the reason`, () => {
    assert.throws(() => parseCronSchedule(schedule, zone), message);
  });
}
