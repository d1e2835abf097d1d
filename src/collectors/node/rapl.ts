// /sys/class/powercap: Documentation/power/powercap/powercap.rst. Absent on virtual machines; readable by root only,
// because power draw leaks computed data (CVE-2020-8694).
import { join } from 'node:path';
import * as z from 'zod';
import { countAttribute } from '../../host/attributes.ts';
import { DeniedFile } from '../../host/errors.ts';
import { counter, type Family } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';

const joules = counter('node_rapl_joules_total', 'Energy used by the zone; the counter wraps around.', [
  'index',
  'path',
  'rapl_zone',
]);

const options = z.strictObject({
  enableZoneLabel: z.boolean().default(false).describe('Use one metric with the label `rapl_zone` for all zones.'),
});

/** Energy use of the processor. */
export const rapl = defineCollector({
  name: 'rapl',
  enabled: true,
  summary:
    'Energy used by the processor, from `/sys/class/powercap`: `node_rapl_<zone>_joules_total` with the labels ' +
    '`index` and `path`; with `enableZoneLabel`, `node_rapl_joules_total`.',
  options,
  whenEmpty: 'no power zone has an energy counter',
  families: [joules],
  create({ host }, { enableZoneLabel }) {
    const parent = host.sys('class/powercap');
    return (out) => {
      const used = new Map<string, number>();
      for (const entry of host.list(parent)) {
        const path = join(parent, entry);
        const fullName = out.attempt(entry, () => host.attribute(join(path, 'name')));
        if (fullName === undefined) continue;
        if (!ZONE.test(fullName)) {
          out.lose(entry, new Error(`expected the name of a zone, found ${JSON.stringify(fullName.slice(0, 40))}`));
          continue;
        }
        const { name, index } = zoneOf(fullName, used);
        try {
          const microjoules = countAttribute(host, join(path, 'energy_uj'));
          if (microjoules === undefined) continue;
          const labels = [String(index), path];
          if (enableZoneLabel) out.add(joules, microjoules / 1e6, ...labels, name);
          else out.add(zoneFamily(name), microjoules / 1e6, ...labels);
        } catch (cause) {
          // Without permission for one zone, none is readable.
          if (cause instanceof DeniedFile) throw cause;
          out.lose(entry, cause);
        }
      }
    };
  },
});

const ZONE = /^[A-Za-z][\w.-]*$/;

/** Zones of the same name are distinguished by the number suffix, `package-0`, or else counted in `used`. */
export function zoneOf(fullName: string, used: Map<string, number>): { name: string; index: number } {
  const [, cut, number] = /^([^-]*)-(\d+)$/.exec(fullName) ?? [];
  const name = cut ?? fullName;
  const index = number === undefined ? (used.get(name) ?? 0) : Number(number);
  used.set(name, index + 1);
  return { name, index };
}

const zoneFamily = (name: string): Family =>
  counter(
    `node_rapl_${name.replaceAll(/[^a-zA-Z0-9_:]/g, '_')}_joules_total`,
    `Energy used by the zones named ${name}; the counter wraps around.`,
    ['index', 'path'],
  );
