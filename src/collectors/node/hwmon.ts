// /sys/class/hwmon: Documentation/hwmon/sysfs-interface.rst. Absent in most virtual machines.
import { basename, dirname } from 'node:path';
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import type { Host } from '../../host/host.ts';
import { decimalOrNone } from '../../host/numbers.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';
import { beepEnabled, chipNames, frequency, isMeasured, knownFamilies, Metrics, sensorLabel } from './hwmon-metrics.ts';
import { nameFilter } from './name-filter.ts';

const options = z.strictObject({
  chipInclude: pattern().optional().describe('Include only chips whose label matches.'),
  chipExclude: pattern().optional().describe('Exclude chips whose label matches.'),
  sensorInclude: pattern().optional().describe('Include only sensors whose `chip;sensor` matches.'),
  sensorExclude: pattern().optional().describe('Exclude sensors whose `chip;sensor` matches.'),
});

/** Sensors of the mainboard and of other hardware. */
export const hwmon = defineCollector({
  name: 'hwmon',
  enabled: true,
  summary:
    'Temperatures, fans, voltages, currents, power and energy, from `/sys/class/hwmon`. A file `<type><n>_<element>` ' +
    'becomes `node_hwmon_<type>_<element>` with its unit; drivers have many elements beyond those listed.',
  options,
  whenEmpty: 'no matching sensors found',
  families: knownFamilies,
  create({ host }, { chipInclude, chipExclude, sensorInclude, sensorExclude }) {
    const wantsChip = nameFilter('collectors.node.hwmon.chip', { include: chipInclude, exclude: chipExclude });
    const wantsSensor = nameFilter('collectors.node.hwmon.sensor', { include: sensorInclude, exclude: sensorExclude });
    // Families are named after files; cached, so that they are not recreated in every cycle.
    const metrics = new Metrics();
    return async (out, signal) => {
      for (const chip of chipsOf(out, host)) {
        if (!wantsChip(chip.label)) continue;
        const isWanted = (sensor: string) => wantsSensor(`${chip.label};${sensor}`);
        const sensors = await readSensors(out, host, chip, isWanted, signal);
        if (chip.name !== '') out.add(chipNames, 1, chip.label, chip.name);
        for (const [name, sensor] of sensors) addSensor(out, metrics, chip.label, name, sensor);
      }
    };
  },
});

/** One folder of /sys/class/hwmon. */
interface Chip {
  readonly path: string;
  /** Its name in series; stable across reboots if the device is. */
  readonly label: string;
  /** The name given by the driver; empty if it has none. */
  readonly name: string;
  /** Whether a read may take milliseconds. */
  readonly isSlow: boolean;
}

/** These are read through buses, firmware and drives, which sleep before they respond; other chips have registers. */
const SLOW = /\/i2c-\d|\/LNXSYSTM:|\/target\d|\/nvme\//;

/**
 * The chips with unique labels. hwmonN depends on the order of driver loading, so chips are named after their device;
 * where several share one device, also after its name, and only if even that is not unique after hwmonN.
 */
function chipsOf(out: Snapshot, host: Host): Chip[] {
  const folder = host.sys('class/hwmon');
  const chips = host.list(folder).map((entry) => {
    const path = `${folder}/${entry}`;
    const name = clean(out.attempt(`${path}/name`, () => host.attribute(`${path}/name`)) ?? '');
    const device = host.realPath(`${path}/device`);
    const isSlow = device !== undefined && SLOW.test(`${device}/`);
    return { entry, path, name, isSlow, label: deviceLabel(device) || name || clean(entry) };
  });
  return chips.map((chip) => {
    const sharing = chips.filter(({ label }) => label === chip.label);
    if (sharing.length === 1) return chip;
    const isUnique = chip.name !== '' && sharing.filter(({ name }) => name === chip.name).length === 1;
    return { ...chip, label: `${chip.label}_${isUnique ? chip.name : clean(chip.entry)}` };
  });
}

/** `platform_coretemp_0` of `/sys/devices/platform/coretemp.0`. */
function deviceLabel(device: string | undefined): string {
  if (device === undefined) return '';
  return [clean(basename(dirname(device))), clean(basename(device))].filter((part) => part !== '').join('_');
}

/** A sensor's files: `temp1` with elements `input`, `max`, `label`; the element of a file `temp1` is empty. */
interface Sensor {
  readonly type: string;
  readonly elements: Map<string, string>;
}

const TYPES: ReadonlySet<string> = new Set([
  'beep_enable',
  'cpu',
  'curr',
  'energy',
  'fan',
  'freq',
  'humidity',
  'in',
  'intrusion',
  'power',
  'pwm',
  'temp',
  'update_interval',
  'vrm',
]);

/** The sensors in the chip's folder and, for old drivers, in its device's. A file that can't be read is a lost unit. */
async function readSensors(
  out: Snapshot,
  host: Host,
  { path, isSlow }: Chip,
  isWanted: (sensor: string) => boolean,
  signal: AbortSignal,
): Promise<Map<string, Sensor>> {
  const sensors = new Map<string, Sensor>();
  for (const folder of [path, `${path}/device`]) {
    for (const file of out.attempt(folder, () => host.listIfExists(folder)) ?? []) {
      signal.throwIfAborted();
      const [, type = '', number = '', element = ''] = /^([^0-9]+)([0-9]*)(?:_(.+))?$/.exec(file) ?? [];
      // Every device has an unrelated folder `power`.
      if (!TYPES.has(type) || file === 'power') continue;
      const name = type + Number(number);
      if (!isWanted(name)) continue;
      const value = await readValue(out, host, `${folder}/${file}`, isSlow && element !== 'label');
      if (value === undefined) continue;
      const sensor = sensors.get(name) ?? { type, elements: new Map() };
      sensor.elements.set(element, value);
      sensors.set(name, sensor);
    }
  }
  return sensors;
}

/** A value, if there is one; blanks around a label are part of it. */
async function readValue(out: Snapshot, host: Host, path: string, isLate: boolean): Promise<string | undefined> {
  try {
    return isLate ? await host.attributeLater(path) : host.rawAttribute(path)?.replace(/\n+$/, '');
  } catch (cause) {
    // Some elements can only be written: `temp1_reset_history`.
    if (host.isReadable(path)) out.lose(path, cause);
    return undefined;
  }
}

function addSensor(out: Snapshot, metrics: Metrics, chip: string, sensor: string, { type, elements }: Sensor): void {
  const label = elements.get('label');
  if (label !== undefined) out.add(sensorLabel, 1, chip, sensor, label);
  if (type === 'beep_enable') {
    out.add(beepEnabled, elements.get('') === '1' ? 1 : 0, chip, sensor);
    return;
  }
  for (const [element, text] of elements) {
    if (element === 'label') continue;
    const value = decimalOrNone(text);
    if (value === undefined) {
      if (isDamaged(type, element, text)) {
        const found = JSON.stringify(text.slice(0, 40));
        out.lose(`${chip};${sensor}`, new Error(`${sensor}_${element}: expected a number, found ${found}`));
      }
      continue;
    }
    if (type === 'freq' && element === 'input') {
      // The only type named by its label: without a label it has no name.
      if (label !== undefined) out.add(frequency, value / 1e6, chip, clean(label));
      continue;
    }
    const name = element === 'input' && !elements.has('') ? '' : clean(element);
    const { family, scale } = metrics.of(type, element, name);
    out.add(family, scale(value), chip, sensor);
  }
}

/** Elements of the ACPI power meter that name the hardware. */
const NAMES = /^(?:model_number|oem_info|serial_number)$/;

/** As the ACPI power meter prints its accuracy, for which node_exporter has no sample. */
const PERCENTAGE = /^\d+(?:\.\d+)?%$/;

/** Whether a text that is not a number should be one. For undocumented elements, drivers also print words. */
function isDamaged(type: string, element: string, text: string): boolean {
  if (text === '' || NAMES.test(element) || (element === 'accuracy' && PERCENTAGE.test(text))) return false;
  return isMeasured(type, element) || /^[-+.\d]/.test(text);
}

const clean = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9:_]/g, '_')
    .replaceAll(/^_+|_+$/g, '');
