import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { time } from '../../../src/collectors/node/time.ts';
import { hostZoneRule, offsetByRule, zoneName } from '../../../src/collectors/node/time-zone.ts';
import { Host } from '../../../src/host/host.ts';
import { collectorOn } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

const SUMMER = Date.UTC(2026, 6, 1, 12, 0, 0, 250);

/** One run at a given time in a given time zone. */
async function collectIn(zone: string, ...[context, files]: Parameters<typeof hostTree>) {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    return await collectorOn(time, hostTree(context, files), {}, () => SUMMER)();
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}

test('the clock has fractions; the zone is named by the rule at the end of its file', async (t) => {
  const { lines } = await collectIn('Europe/Berlin', t, {
    'usr/share/zoneinfo/Europe/Berlin': 'TZif2\0\xff\n\0\nCET-1CEST,M3.5.0,M10.5.0/3\n',
  });
  assert.deepEqual(lines, ['node_time_seconds 1782907200.25', 'node_time_zone_offset_seconds{time_zone="CEST"} 7200']);
});

test('a zone whose file is missing is named by its offset', async (t) => {
  const { lines } = await collectIn('Asia/Kolkata', t, {});
  assert.equal(lines[1], 'node_time_zone_offset_seconds{time_zone="+0530"} 19800');
});

const NAMES: readonly (readonly [rule: string, offset: number, name: string])[] = [
  ['UTC0', 0, 'UTC'],
  ['', 0, 'UTC'],
  ['CET-1CEST,M3.5.0,M10.5.0/3', 3600, 'CET'],
  ['EST5EDT,M3.2.0,M11.1.0', -5 * 3600, 'EST'],
  ['EST5EDT,M3.2.0,M11.1.0', -4 * 3600, 'EDT'],
  ['IST-1GMT0,M10.5.0,M3.5.0/1', 0, 'GMT'],
  ['IST-5:30', 19_800, 'IST'],
  ['<+0330>-3:30', 12_600, '+0330'],
  ['<-03>3<-02>,M3.5.0/-2,M10.5.0/-1', -7200, '-02'],
  ['', -12_600, '-0330'],
];
for (const [rule, offset, name] of NAMES) {
  test(`${JSON.stringify(rule)} at ${offset} s is ${name}`, () => assert.equal(zoneName(rule, offset), name));
}

test('clock sources are numbered in the order of their names', async (t) => {
  const folder = 'sys/devices/system/clocksource';
  const { lines } = await collectIn('UTC', t, {
    [`${folder}/clocksource0/available_clocksource`]: 'tsc hpet \n',
    [`${folder}/clocksource0/current_clocksource`]: 'tsc\n',
  });
  assert.deepEqual(lines.slice(0, 3), [
    'node_time_clocksource_available_info{device="0",clocksource="hpet"} 1',
    'node_time_clocksource_available_info{device="0",clocksource="tsc"} 1',
    'node_time_clocksource_current_info{device="0",clocksource="tsc"} 1',
  ]);
});

test('a clock source without its files is skipped, the clock is not', async (t) => {
  const { lines, result } = await collectIn('UTC', t, { 'sys/devices/system/clocksource/clocksource0/uevent': '' });
  assert.equal(result.outcome, 'partial');
  assert.match(result.errors[0]?.message ?? '', /^clocksource0: .*available_clocksource does not exist/);
  assert.equal(lines[0], 'node_time_seconds 1782907200.25');
});

test("a rule has the offsets of ICU throughout the year, in every zone of this machine's database", (t) => {
  const folder = '/usr/share/zoneinfo';
  if (!existsSync(`${folder}/Europe/Berlin`)) return t.skip(`no zone database in ${folder}`);
  let compared = 0;
  const different = new Set<string>();
  for (const zone of Intl.supportedValuesOf('timeZone')) {
    // Changes for Ramadan follow no rule: these zones have a table of changes up to 2087.
    if (!existsSync(`${folder}/${zone}`) || /Casablanca|El_Aaiun/.test(zone)) continue;
    const rule = readFileSync(`${folder}/${zone}`, 'latin1').trimEnd().split('\n').at(-1) ?? '';
    const format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' });
    for (let hour = 0; hour < 365 * 24; hour += 95) {
      const at = Date.UTC(2026, 0, 1, hour, 30);
      const text = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
      const [, sign, hours, minutes] = /GMT(?:([+-])(\d+):(\d+))?/.exec(text) ?? [];
      const wanted = (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60);
      if (offsetByRule(rule, at / 1000) + 0 !== wanted + 0) different.add(zone);
      compared++;
    }
  }
  assert.ok(compared > 20_000, String(compared));
  // A country may have changed its rules between the versions of the two databases.
  assert.ok(different.size <= 5, [...different].join(' '));
});

test("a pod's time zone is its host's, found through the host's links", async (t) => {
  const { TZ } = process.env;
  delete process.env.TZ;
  t.after(() => {
    if (TZ !== undefined) process.env.TZ = TZ;
  });
  const paths = hostTree(t, { 'usr/share/zoneinfo/Europe/Berlin': 'TZif2\0\xff\n\0\nCET-1CEST,M3.5.0,M10.5.0/3\n' });
  mkdirSync(join(paths.rootfs, 'etc'));
  // Debian's link is absolute, Fedora's is not; both stay below the host's root.
  for (const target of ['/usr/share/zoneinfo/Europe/Berlin', '../usr/share/zoneinfo/Europe/Berlin']) {
    rmSync(join(paths.rootfs, 'etc/localtime'), { force: true });
    symlinkSync(target, join(paths.rootfs, 'etc/localtime'));
    assert.equal(hostZoneRule(new Host(paths)), 'CET-1CEST,M3.5.0,M10.5.0/3');
  }
  const { lines } = await collectorOn(time, paths, {}, () => SUMMER)();
  assert.equal(lines[1], 'node_time_zone_offset_seconds{time_zone="CEST"} 7200');
});
