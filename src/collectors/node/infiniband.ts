// /sys/class/infiniband: Documentation/ABI/stable/sysfs-class-infiniband of the kernel. Absent without such hardware.
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { parsedAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { oneLine } from '../../host/lines.ts';
import { bigInteger, count, integer, unsignedDecimal } from '../../host/numbers.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';
import {
  infinibandInfo,
  lifespan,
  physicalState,
  portFolders,
  rate,
  state,
  WORD_COUNTERS,
} from './infiniband-families.ts';
import { nameFilter } from './name-filter.ts';

const options = z.strictObject({
  deviceInclude: pattern().optional().describe('Include only devices whose name matches.'),
  deviceExclude: pattern().optional().describe('Exclude devices whose name matches.'),
});

/** InfiniBand and RoCE devices. */
export const infiniband = defineCollector({
  name: 'infiniband',
  enabled: true,
  summary: 'Ports of InfiniBand and RoCE devices and their counters, from `/sys/class/infiniband`.',
  options,
  whenEmpty: 'no matching InfiniBand devices found',
  families: [
    infinibandInfo,
    state,
    physicalState,
    rate,
    lifespan,
    ...portFolders.flatMap(([, families]) => [...families.values()]),
  ],
  create({ host }, { deviceInclude, deviceExclude }) {
    const isWanted = nameFilter('infiniband', { include: deviceInclude, exclude: deviceExclude });
    const folder = host.sys('class/infiniband');
    return (out) => {
      for (const device of host.list(folder).filter(isWanted)) {
        out.attempt(device, () => addDevice(out, host, device));
      }
    };
  },
});

function addDevice(out: Snapshot, host: Host, device: string): void {
  const path = (...name: string[]) => host.sys('class/infiniband', device, ...name);
  const firmware = host.attribute(path('fw_ver'));
  if (firmware === undefined) return; // gone: all drivers have it since Linux 4.10
  const [board = '', type = ''] = [host.attribute(path('board_id')), host.attribute(path('hca_type'))];
  out.add(infinibandInfo, 1, device, board, firmware, type);
  for (const port of host.listIfExists(path('ports'))) {
    out.attempt(`${device} port ${port}`, () => addPort(out, host, device, port));
  }
}

function addPort(out: Snapshot, host: Host, device: string, port: string): void {
  const folder = host.sys('class/infiniband', device, 'ports', port);
  const single = [
    [state, 'state', stateNumber],
    [physicalState, 'phys_state', stateNumber],
    [rate, 'rate', bytesPerSecond],
  ] as const;
  for (const [family, file, parse] of single) {
    const path = `${folder}/${file}`;
    out.attempt(path, () => {
      const value = parsedAttribute(host, path, parse);
      if (value !== undefined) out.add(family, value, device, port);
    });
  }
  for (const [name, families] of portFolders) {
    for (const file of host.listIfExists(`${folder}/${name}`)) {
      const family = families.get(file) ?? (file === 'lifespan' ? lifespan : undefined);
      if (family === undefined) continue;
      const path = `${folder}/${name}/${file}`;
      out.attempt(path, () => {
        const value = counterValue(host, path, file);
        if (value !== undefined) out.add(family, value, device, port);
      });
    }
  }
}

/** A counter; undefined if the driver has none, which some report as text: `N/A (no PMA)`. */
function counterValue(host: Host, path: string, file: string): number | undefined {
  const text = host.attribute(path);
  if (text === undefined || text.includes('N/A (no PMA)')) return undefined;
  // Milliseconds; node_exporter uses integer division, so that the usual 10 ms become 0.
  if (file === 'lifespan') return Math.trunc(oneLine(path, text, integer) / 1000);
  if (!WORD_COUNTERS.has(file)) return oneLine(path, text, integer);
  return Number(BigInt.asUintN(64, oneLine(path, text, bigInteger) * 4n));
}

/** `4: ACTIVE` → 4. */
const stateNumber = (text: string): number => count(text.split(':')[0]);

/** `100 Gb/sec (4X EDR)` → 12.5e9; node_exporter reads the number with the precision of a 32-bit float. */
const bytesPerSecond = (text: string): number =>
  Math.trunc(Math.fround(unsignedDecimal(text.split(' ')[0])) * 125_000_000);
