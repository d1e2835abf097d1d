// /sys/class/dmi/id, from the firmware's SMBIOS tables: drivers/firmware/dmi-id.c. Absent on most machines that are not
// x86; serial numbers and UUIDs are readable by root only.
import { join } from 'node:path';
import { readableAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { labelBlock } from '../../metrics/text/format.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

/** Labels; each is also the name of its file, except for `system_vendor`. */
const LABELS = [
  ...['bios_date', 'bios_release', 'bios_vendor', 'bios_version'],
  ...['board_asset_tag', 'board_name', 'board_serial', 'board_vendor', 'board_version'],
  ...['chassis_asset_tag', 'chassis_serial', 'chassis_vendor', 'chassis_version'],
  ...['product_family', 'product_name', 'product_serial', 'product_sku', 'product_uuid', 'product_version'],
  'system_vendor',
];
const info = gauge('node_dmi_info', 'Always 1; firmware, board and product, one label per available file.', LABELS);

/** Firmware, board and product. */
export const dmi = defineCollector({
  name: 'dmi',
  enabled: true,
  summary:
    'Names and numbers of firmware, board and product, from `/sys/class/dmi/id`; read once, as the kernel copies them when it boots.',
  options: NO_OPTIONS,
  families: [info],
  create({ host }) {
    // The firmware's tables do not change until the next boot, so they are read once.
    let key: string | undefined;
    return (out) => {
      const now = key ?? seriesKey(host, out);
      if (out.errors.length === 0) key = now;
      out.addSeries(info, now, 1);
    };
  },
});

function seriesKey(host: Host, out: Snapshot): string {
  const folder = host.sys('class/dmi/id');
  const files = new Set(host.list(folder));
  const labels = new Map<string, string>();
  for (const label of LABELS) {
    const file = label === 'system_vendor' ? 'sys_vendor' : label;
    const text = files.has(file) ? out.attempt(file, () => readableAttribute(host, join(folder, file))) : undefined;
    // Vendors put arbitrary bytes there: a run of invalid UTF-8 becomes one replacement character.
    if (text !== undefined) labels.set(label, text.replaceAll(/[\uDC80-\uDCFF\uFFFD]+/gu, '\uFFFD'));
  }
  return info.name + labelBlock([...labels.keys()], [...labels.values()]);
}
