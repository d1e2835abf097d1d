// /sys/class/watchdog: Documentation/ABI/testing/sysfs-class-watchdog. Absent without a watchdog; the files depend on
// the driver.
import { join } from 'node:path';
import { countAttribute } from '../../host/attributes.ts';
import { type Family, gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const FILES: Readonly<Record<string, Family>> = {
  bootstatus: gauge(
    'node_watchdog_bootstatus',
    'Status bits at boot (`WDIOF_*`), such as whether the watchdog restarted the host.',
    ['name'],
  ),
  fw_version: gauge('node_watchdog_fw_version', 'Firmware version of the watchdog.', ['name']),
  nowayout: gauge('node_watchdog_nowayout', 'Whether the watchdog cannot be stopped once started (nowayout).', [
    'name',
  ]),
  timeleft: gauge('node_watchdog_timeleft_seconds', 'Time until the watchdog restarts the host.', ['name']),
  timeout: gauge('node_watchdog_timeout_seconds', 'Watchdog timeout.', ['name']),
  pretimeout: gauge('node_watchdog_pretimeout_seconds', 'Time between the pretimeout warning and the restart.', [
    'name',
  ]),
  access_cs0: gauge(
    'node_watchdog_access_cs0',
    'Whether the primary boot flash (CS0) is in use; 0 after a boot from the alternate one (Aspeed).',
    ['name'],
  ),
};
const LABEL_FILES = ['options', 'identity', 'state', 'status', 'pretimeout_governor'];
const info = gauge('node_watchdog_info', 'Always 1; watchdog information.', ['name', ...LABEL_FILES]);

/** Watchdog timers. */
export const watchdog = defineCollector({
  name: 'watchdog',
  enabled: true,
  summary: 'Watchdog timers, from `/sys/class/watchdog`.',
  options: NO_OPTIONS,
  whenEmpty: 'no watchdogs found',
  families: [...Object.values(FILES), info],
  create({ host }) {
    const parent = host.sys('class/watchdog');
    return (out) => {
      for (const name of host.list(parent)) {
        out.attempt(name, () => {
          const files = new Set(host.listIfExists(join(parent, name)));
          for (const [file, family] of Object.entries(FILES)) {
            out.attempt(`${name}/${file}`, () => {
              const value = files.has(file) ? countAttribute(host, join(parent, name, file)) : undefined;
              if (value !== undefined) out.add(family, value, name);
            });
          }
          const label = (file: string) =>
            out.attempt(`${name}/${file}`, () =>
              files.has(file) ? host.attribute(join(parent, name, file)) : undefined,
            ) ?? '';
          out.add(info, 1, name, ...LABEL_FILES.map(label));
        });
      }
    };
  },
});
