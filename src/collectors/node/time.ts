// clock_gettime(2) and /sys/devices/system/clocksource: Documentation/ABI/testing/sysfs-devices-system-clocksource (of
// the kernel). The clock sources are absent in some sandboxes (gVisor).
import { join, resolve } from 'node:path';
import type { Host } from '../../host/host.ts';
import { words } from '../../host/lines.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const seconds = gauge('node_time_seconds', 'The wall clock, in seconds since 1970.');
const zoneOffset = gauge('node_time_zone_offset_seconds', "How far the agent's time zone is east of UTC.", [
  'time_zone',
]);
const available = gauge('node_time_clocksource_available_info', 'A clock source that can be chosen; always 1.', [
  'device',
  'clocksource',
]);
const current = gauge('node_time_clocksource_current_info', 'The clock source in use; always 1.', [
  'device',
  'clocksource',
]);

/** The wall clock, its zone and its sources. */
export const time = defineCollector({
  name: 'time',
  enabled: true,
  summary: "The wall clock, the agent's time zone, and the clock sources, from `/sys/devices/system/clocksource`.",
  options: NO_OPTIONS,
  families: [seconds, zoneOffset, available, current],
  create({ host, now }) {
    const folder = host.sys('devices/system/clocksource');
    // Does not change as long as the process runs.
    let rule: string | undefined;
    return (out) => {
      const milliseconds = now();
      out.add(seconds, milliseconds / 1000);
      out.attempt('time zone', () => {
        rule ??= zoneRule(host);
        const offset = 0 - new Date(milliseconds).getTimezoneOffset() * 60;
        out.add(zoneOffset, offset, zoneName(rule, offset));
      });
      const devices = host.listIfExists(folder).filter((name) => /^clocksource\d/.test(name));
      for (const [index, name] of devices.entries()) {
        const device = String(index);
        out.attempt(name, () => {
          const sources = words(host.read(join(folder, name, 'available_clocksource')));
          for (const source of sources) out.add(available, 1, device, source);
          out.add(current, 1, device, host.read(join(folder, name, 'current_clocksource')).trim());
        });
      }
    };
  },
});

/**
 * The rule of our own time zone, `CET-1CEST,M3.5.0,M10.5.0/3`, the last line of its file in the zone database
 * (RFC 9636 section 3.3); empty when there is no such file. Intl would know the zone as well, for 8 MB of memory.
 */
function zoneRule(host: Host): string {
  const name = process.env.TZ?.replace(/^:/, '');
  const path = name ? resolve(host.root('/usr/share/zoneinfo'), name) : '/etc/localtime';
  return host.readIfExists(path)?.trimEnd().split('\n').at(-1) ?? '';
}

/** A name, plain or in angle brackets, and how far it is *west* of UTC; then the name of the other half of the year. */
const RULE = /^(?:<([^>]+)>|([A-Za-z]+))([+-]?\d+)(?::(\d+))?(?::\d+)?(?:<([^>]+)>|([A-Za-z]+))?/;

/** What the zone is called while it is `offset` seconds east of UTC; `UTC` or `+0530` when the rule doesn't say. */
export function zoneName(rule: string, offset: number): string {
  const match = RULE.exec(rule);
  if (match) {
    const [, bracketed, plain, hours = '', minutes = '0', otherBracketed, otherPlain] = match;
    const west = (Math.abs(Number(hours)) * 60 + Number(minutes)) * (hours.startsWith('-') ? -60 : 60);
    const name = offset === -west ? (bracketed ?? plain) : (otherBracketed ?? otherPlain);
    if (name !== undefined) return name;
  }
  if (offset === 0) return 'UTC';
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 3600), (Math.abs(offset) / 60) % 60];
  const digits = (number: number) => String(number).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${digits(hours)}${minutes > 0 ? digits(minutes) : ''}`;
}
