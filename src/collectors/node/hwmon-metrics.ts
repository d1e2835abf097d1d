// How a sensor's files become metrics: names, units and scales of Documentation/hwmon/sysfs-interface.rst.
import { type Family, family, gauge } from '../../metrics/family.ts';

const BY_SENSOR = ['chip', 'sensor'] as const;

export const chipNames = gauge('node_hwmon_chip_names', 'Chip name reported by the driver; always 1.', [
  'chip',
  'chip_name',
]);
export const sensorLabel = gauge('node_hwmon_sensor_label', 'Sensor label; always 1.', [...BY_SENSOR, 'label']);
export const beepEnabled = gauge('node_hwmon_beep_enabled', 'Whether beeping is enabled for the chip.', BY_SENSOR);
export const frequency = gauge('node_hwmon_freq_freq_mhz', 'Frequency in MHz, by sensor.', BY_SENSOR);

/** The family of one element, and how its number becomes that family's unit. */
interface Metric {
  readonly family: Family;
  readonly scale: (value: number) => number;
}

interface SensorUnit {
  readonly suffix: string;
  readonly scale: (value: number) => number;
  readonly what: string;
}

const same = (value: number): number => value;
const milli = (value: number): number => value * 0.001;
const micro = (value: number): number => value / 1e6;

const PLAIN: SensorUnit = { suffix: '', scale: same, what: '' };

/** Units by type, for all elements without a unit in {@link unitOf}. */
const UNITS: Readonly<Record<string, SensorUnit>> = {
  cpu: { suffix: '_volts', scale: milli, what: ' in volts' },
  curr: { suffix: '_amps', scale: milli, what: ' in amperes' },
  energy: { suffix: '_joule_total', scale: micro, what: ' in joules' },
  humidity: { suffix: '', scale: micro, what: ' as a ratio' },
  in: { suffix: '_volts', scale: milli, what: ' in volts' },
  power: { suffix: '_watt', scale: micro, what: ' in watts' },
  temp: { suffix: '_celsius', scale: milli, what: ' in degrees Celsius' },
};
const RPM: SensorUnit = { suffix: '_rpm', scale: same, what: ' in revolutions per minute' };
const RATIO: SensorUnit = { suffix: '', scale: micro, what: ' as a ratio' };
const SECONDS: SensorUnit = { suffix: '_seconds', scale: milli, what: ' in seconds' };

function unitOf(type: string, element: string): SensorUnit {
  if (element === 'fault' || element === 'alarm') return PLAIN;
  if (element === 'beep') return { ...PLAIN, suffix: '_enabled' };
  if (type === 'temp' && element === 'type') return PLAIN;
  if (type === 'power' && element === 'accuracy') return RATIO;
  if (type === 'power' && /^average_interval(?:_min|_max)?$/.test(element)) return SECONDS;
  if (type === 'fan' && /^(?:input|min|max|target)$/.test(element)) return RPM;
  return UNITS[type] ?? PLAIN;
}

function makeMetric(type: string, element: string, name: string): Metric {
  if (type === 'vrm') {
    const version = gauge('node_hwmon_voltage_regulator_version', 'Version of the voltage regulator.', BY_SENSOR);
    return { family: version, scale: same };
  }
  if (type === 'update_interval') {
    const help = 'Sensor update interval of the chip in seconds.';
    return { family: gauge('node_hwmon_update_interval_seconds', help, BY_SENSOR), scale: milli };
  }
  const { suffix, scale, what } = unitOf(type, element);
  const middle = name === '' ? '' : `_${name}`;
  const kind = suffix.endsWith('_total') ? 'counter' : 'gauge';
  const help = `Element ${name || 'input'} of ${type} sensors${what}.`;
  return { family: family(kind, `node_hwmon_${type}${middle}${suffix}`, help, BY_SENSOR), scale };
}

/** The metrics seen so far, by type and element. Hardware has some dozens. */
export class Metrics {
  readonly #known = new Map<string, Metric>();

  /** `name` is the element as part of the metric's name; empty for a sensor's main value. */
  of(type: string, element: string, name: string): Metric {
    const key = `${type} ${element} ${name}`;
    const known = this.#known.get(key);
    if (known) return known;
    const made = makeMetric(type, element, name);
    this.#known.set(key, made);
    return made;
  }
}

/** Elements that most drivers have, for the docs. */
const USUAL: readonly (readonly [type: string, ...elements: string[]])[] = [
  ['curr', 'input', 'min', 'max', 'crit', 'alarm'],
  ['energy', 'input'],
  ['fan', 'input', 'min', 'max', 'target', 'alarm', 'fault', 'beep', 'manual', 'output', 'pulses', 'tolerance'],
  ['humidity', 'input'],
  ['in', 'input', 'min', 'max', 'alarm', 'beep'],
  ['intrusion', 'alarm', 'beep'],
  ['power', 'input', 'average', 'cap', 'accuracy', 'average_interval'],
  ['pwm', '', 'enable', 'mode'],
  ['temp', 'input', 'max', 'crit', 'crit_alarm', 'alarm', 'fault'],
  ['update_interval', ''],
  ['vrm', ''],
];

const MEASURED: ReadonlySet<string> = new Set(
  USUAL.flatMap(([type, ...elements]) => elements.map((element) => `${type} ${element}`)),
);

/** Whether an element is one of those that always have a number. */
export const isMeasured = (type: string, element: string): boolean => MEASURED.has(`${type} ${element}`);

/** Families that do not depend on the driver, and those of the usual elements. */
export const knownFamilies: readonly Family[] = [
  chipNames,
  sensorLabel,
  beepEnabled,
  frequency,
  ...USUAL.flatMap(([type, ...elements]) =>
    elements.map((element) => makeMetric(type, element, element === 'input' ? '' : element).family),
  ),
];
