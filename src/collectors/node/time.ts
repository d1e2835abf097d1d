// clock_gettime(2) and /sys/devices/system/clocksource: Documentation/ABI/testing/sysfs-devices-system-clocksource (of
// the kernel). The clock sources are absent in some sandboxes (gVisor).
import { join, resolve } from 'node:path';
import type { Host } from '../../host/host.ts';
import { words } from '../../host/lines.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';
import { hostZoneRule, offsetByRule, zoneName } from './time-zone.ts';

const seconds = gauge('node_time_seconds', 'The wall clock, in seconds since 1970.');
const zoneOffset = gauge('node_time_zone_offset_seconds', 'Offset of the time zone east of UTC.', ['time_zone']);
const available = gauge('node_time_clocksource_available_info', 'Always 1; an available clock source.', [
  'device',
  'clocksource',
]);
const current = gauge('node_time_clocksource_current_info', 'Always 1; the clock source in use.', [
  'device',
  'clocksource',
]);

/** The wall clock, its zone and its sources. */
export const time = defineCollector({
  name: 'time',
  enabled: true,
  summary:
    "The wall clock, the time zone (the host's `/etc/localtime` as it was when the agent started, unless the agent has `TZ`), and " +
    'the clock sources, from `/sys/devices/system/clocksource`.',
  options: NO_OPTIONS,
  families: [seconds, zoneOffset, available, current],
  create({ host, now }) {
    const folder = host.sys('devices/system/clocksource');
    // Does not change while the process runs.
    let rule: string | undefined;
    const isOwn = host.paths.rootfs === '/' || process.env.TZ !== undefined;
    return (out) => {
      const milliseconds = now();
      out.add(seconds, milliseconds / 1000);
      out.attempt('time zone', () => {
        rule ??= isOwn ? zoneRule(host) : hostZoneRule(host);
        const own = 0 - new Date(milliseconds).getTimezoneOffset() * 60;
        const offset = isOwn ? own : offsetByRule(rule, milliseconds / 1000);
        out.add(zoneOffset, offset, zoneName(rule, offset));
      });
      const devices = host.listIfExists(folder).filter((name) => /^clocksource\d+$/.test(name));
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
 * The rule of our own time zone, `CET-1CEST,M3.5.0,M10.5.0/3`, the last line of its file in the zone database (RFC 9636
 * section 3.3); empty if the file is absent. Intl would provide the zone as well, for 8 MB of memory.
 */
function zoneRule(host: Host): string {
  const name = process.env.TZ?.replace(/^:/, '');
  const path = name ? resolve(host.root('/usr/share/zoneinfo'), name) : '/etc/localtime';
  return host.readIfExists(path)?.trimEnd().split('\n').at(-1) ?? '';
}
