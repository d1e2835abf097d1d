// /sys/bus/pci/devices: Documentation/ABI/testing/sysfs-bus-pci. Absent on machines without PCI, such as most ARM boards.
import * as z from 'zod';
import { parsedAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { oneLine } from '../../host/lines.ts';
import { count, decimal, integer, NotANumber } from '../../host/numbers.ts';
import { type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';
import { type PciDeviceIds, PciNames } from './pci-names.ts';

const PLACE = ['segment', 'bus', 'device', 'function'];
const PARENT = ['parent_segment', 'parent_bus', 'parent_device', 'parent_function'];
const IDS = ['class_id', 'vendor_id', 'device_id', 'subsystem_vendor_id', 'subsystem_device_id', 'revision'];
const NAMES = ['vendor_name', 'device_name', 'subsystem_vendor_name', 'subsystem_device_name', 'class_name'];
const INFO_HELP = 'Always 1; device information and parent bridge (`*` for none).';
const info = gauge('node_pcidevice_info', INFO_HELP, [...PLACE, ...PARENT, ...IDS]);
const namedInfo = gauge('node_pcidevice_info', INFO_HELP, [...PLACE, ...PARENT, ...IDS, ...NAMES]);

const value = (name: string, help: string) => gauge(`node_pcidevice_${name}`, help, PLACE);

/** A number of a device. */
interface Attribute {
  readonly family: Family;
  readonly file: string;
  /** Undefined if the kernel reports the value as unknown. Throws NotANumber. */
  readonly parse: (text: string) => number | undefined;
  /** The value of a device without it; undefined for no sample. */
  readonly absent: number | undefined;
}

const flag = (text: string): number => (integer(text) === 0 ? 0 : 1);

/** PCI-X and PCIe before Linux 5.x write the unit without the bus. */
function transfers(text: string): number | undefined {
  if (isUnknown(text)) return undefined;
  const [, number] = /^(\S+) GT\/s(?: PCIe)?$/.exec(text) ?? [];
  if (number === undefined) throw new NotANumber(text);
  return decimal(number) * 1e9;
}

const width = (text: string): number | undefined => (isUnknown(text) ? undefined : count(text));
const isUnknown = (text: string): boolean => text === '' || text.startsWith('Unknown');
const node = (text: string): number | undefined => (text === '-1' ? undefined : count(text));

const UNKNOWN = -1;
const ATTRIBUTES: readonly Attribute[] = [
  {
    family: value('max_link_transfers_per_second', 'Maximum link speed, in transfers per second; -1 if unknown.'),
    file: 'max_link_speed',
    parse: transfers,
    absent: UNKNOWN,
  },
  {
    family: value('max_link_width', 'Maximum link width in lanes; -1 if unknown.'),
    file: 'max_link_width',
    parse: width,
    absent: UNKNOWN,
  },
  {
    family: value('current_link_transfers_per_second', 'Current link speed, in transfers per second; -1 if unknown.'),
    file: 'current_link_speed',
    parse: transfers,
    absent: UNKNOWN,
  },
  {
    family: value('current_link_width', 'Current link width in lanes; -1 if unknown.'),
    file: 'current_link_width',
    parse: width,
    absent: UNKNOWN,
  },
  {
    family: value('d3cold_allowed', 'Whether the device may be put into the power state D3cold.'),
    file: 'd3cold_allowed',
    parse: flag,
    absent: 0,
  },
  {
    family: value(
      'sriov_drivers_autoprobe',
      'Whether newly enabled virtual functions are bound to a driver automatically.',
    ),
    file: 'sriov_drivers_autoprobe',
    parse: flag,
    absent: 0,
  },
  {
    family: value('sriov_numvfs', 'Enabled virtual functions.'),
    file: 'sriov_numvfs',
    parse: count,
    absent: 0,
  },
  {
    family: value('sriov_totalvfs', 'Maximum number of virtual functions.'),
    file: 'sriov_totalvfs',
    parse: count,
    absent: 0,
  },
  {
    family: value('sriov_vf_total_msix', 'MSI-X vectors available for assignment to virtual functions.'),
    file: 'sriov_vf_total_msix',
    parse: count,
    absent: 0,
  },
  {
    family: value('numa_node', 'NUMA node of the device, if known.'),
    file: 'numa_node',
    parse: node,
    absent: undefined,
  },
];

const powerState = gauge('node_pcidevice_power_state', 'Whether the device is in this power state.', [
  ...PLACE,
  'state',
]);
const POWER_STATES = ['D0', 'D1', 'D2', 'D3hot', 'D3cold', 'unknown', 'error'];

const options = z.strictObject({
  names: z
    .boolean()
    .default(false)
    .describe('Add the names of vendor, device, subsystem and class, from `pci.ids`. Each device is looked up once.'),
  idsFile: z
    .string()
    .optional()
    .describe('Path of `pci.ids`; when unset, that of the host in `/usr/share/misc` or `/usr/share/hwdata`.'),
});

/** PCI devices, their links and virtual functions. */
export const pcidevice = defineCollector({
  name: 'pcidevice',
  enabled: false,
  summary: 'PCI devices, their links, power states and virtual functions, from `/sys/bus/pci/devices`.',
  options,
  whenEmpty: 'no PCI devices found',
  families: [info, powerState, ...ATTRIBUTES.map(({ family }) => family)],
  create({ host }, { names, idsFile }) {
    const folder = host.sys('bus/pci/devices');
    const dictionary = names ? new PciNames(host, idsFile) : undefined;
    return (out) => {
      for (const device of host.list(folder)) {
        out.attempt(device, () => addDevice(out, host, device, `${folder}/${device}`, dictionary));
      }
    };
  },
});

function addDevice(out: Snapshot, host: Host, name: string, folder: string, dictionary: PciNames | undefined): void {
  const place = placeOf(name);
  if (place === undefined) throw new Error('expected a name like 0000:00:1f.2');
  out.attempt(`${name}: ids`, () => addInfo(out, host, folder, place, dictionary));
  for (const { family, file, parse, absent } of ATTRIBUTES) {
    out.attempt(`${name}: ${file}`, () => {
      const found = parsedAttribute(host, `${folder}/${file}`, parse) ?? absent;
      if (found !== undefined) out.add(family, found, ...place);
    });
  }
  const state = host.attribute(`${folder}/power_state`);
  if (state === undefined || state === '') return;
  for (const one of POWER_STATES) out.add(powerState, one === state ? 1 : 0, ...place, one);
}

function addInfo(
  out: Snapshot,
  host: Host,
  folder: string,
  place: readonly string[],
  dictionary: PciNames | undefined,
): void {
  const id = (file: string, digits: number) => {
    const path = `${folder}/${file}`;
    return oneLine(path, host.read(path).trim(), (text) => hexOf(text, digits));
  };
  const ids: PciDeviceIds = {
    classId: id('class', 6),
    vendor: id('vendor', 4),
    device: id('device', 4),
    subsystemVendor: id('subsystem_vendor', 4),
    subsystemDevice: id('subsystem_device', 4),
  };
  const { classId, vendor, device, subsystemVendor, subsystemDevice } = ids;
  const labels = [classId, vendor, device, subsystemVendor, subsystemDevice, id('revision', 2)].map(
    (hex) => `0x${hex}`,
  );
  const parent = placeOf(host.link(folder)?.split('/').at(-2) ?? '') ?? ['*', '*', '*', '*'];
  if (dictionary === undefined) out.add(info, 1, ...place, ...parent, ...labels);
  else out.add(namedInfo, 1, ...place, ...parent, ...labels, ...dictionary.of(ids));
}

/** Segment, bus, device and function of a name such as `0000:00:1f.2`; undefined for that of a root bridge, `pci0000:00`. */
function placeOf(name: string): string[] | undefined {
  const match = /^([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-9a-f])$/.exec(name);
  return match?.slice(1);
}

/** `0x1022` as digits, filled with zeros. Throws NotANumber. */
function hexOf(text: string, digits: number): string {
  const [, hex] = /^0x([0-9a-f]{1,8})$/i.exec(text) ?? [];
  if (hex === undefined) throw new NotANumber(text);
  return hex.toLowerCase().padStart(digits, '0');
}
