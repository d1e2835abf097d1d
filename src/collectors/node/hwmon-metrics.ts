// How a sensor's files become metrics: names, units and scales of Documentation/hwmon/sysfs-interface.rst.
import { type Family, family, gauge } from '../../metrics/family.ts';

const BY_SENSOR = ['chip', 'sensor'] as const;

export const chipNames = gauge('node_hwmon_chip_names', 'Always 1; chip name reported by the driver.', [
  'chip',
  'chip_name',
]);
export const sensorLabel = gauge('node_hwmon_sensor_label', 'Always 1; label of the sensor.', [...BY_SENSOR, 'label']);
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
const SECONDS: SensorUnit = { suffix: '_seconds', scale: milli, what: ' in seconds' };

/** Units by type, for all elements without a unit in {@link unitOf}. */
const UNITS: Readonly<Record<string, SensorUnit>> = {
  cpu: { suffix: '_volts', scale: milli, what: ' in volts' },
  curr: { suffix: '_amps', scale: milli, what: ' in amperes' },
  energy: { suffix: '_joule_total', scale: micro, what: ' in joules' },
  humidity: { suffix: '', scale: micro, what: ' as a tenth of the ratio' },
  in: { suffix: '_volts', scale: milli, what: ' in volts' },
  power: { suffix: '_watt', scale: micro, what: ' in watts' },
  temp: { suffix: '_celsius', scale: milli, what: ' in degrees Celsius' },
  update_interval: SECONDS,
};
const RPM: SensorUnit = { suffix: '_rpm', scale: same, what: ' in revolutions per minute' };
const RATIO: SensorUnit = { suffix: '', scale: micro, what: ' as a ratio' };

const ALARM = 'Whether the sensor reports an alarm.';
const FAULT = 'Whether the sensor reports a fault.';
const BEEP = 'Whether beeping is enabled for the sensor.';

/** HELP texts of the elements that most drivers have, by type and element. */
const USUAL: ReadonlyMap<string, string> = new Map([
  ['curr input', 'Current in amperes.'],
  ['curr min', 'Minimum current in amperes.'],
  ['curr max', 'Maximum current in amperes.'],
  ['curr crit', 'Critical current in amperes.'],
  ['curr alarm', ALARM],
  ['energy input', 'Energy used, in joules.'],
  ['fan input', 'Fan speed in revolutions per minute.'],
  ['fan min', 'Minimum fan speed in revolutions per minute.'],
  ['fan max', 'Maximum fan speed in revolutions per minute.'],
  ['fan target', 'Target fan speed in revolutions per minute.'],
  ['fan alarm', ALARM],
  ['fan fault', FAULT],
  ['fan beep', BEEP],
  ['fan manual', 'Whether the fan is controlled manually.'],
  ['fan output', 'Element output of fan sensors.'],
  ['fan pulses', 'Tachometer pulses per revolution of the fan.'],
  ['fan tolerance', 'Element tolerance of fan sensors.'],
  // The kernel has thousandths of a percent, which node_exporter divides by a million.
  ['humidity input', 'A tenth of the relative humidity as a ratio: 0.05 is 50 %.'],
  ['in input', 'Voltage in volts.'],
  ['in min', 'Minimum voltage in volts.'],
  ['in max', 'Maximum voltage in volts.'],
  ['in alarm', ALARM],
  ['in beep', BEEP],
  ['intrusion alarm', 'Whether the chassis was opened.'],
  ['intrusion beep', BEEP],
  ['power input', 'Power in watts.'],
  ['power average', 'Average power in watts.'],
  ['power cap', 'Power limit (cap) in watts.'],
  ['power accuracy', 'Accuracy of the power meter: its percentage divided by a million.'],
  ['power average_interval', 'Interval over which the power is averaged, in seconds.'],
  ['pwm ', 'Duty cycle of the fan control, from 0 to 255.'],
  ['pwm enable', 'Fan control: 0 off (full speed), 1 manual, 2 and above automatic.'],
  ['pwm mode', 'Fan control: 0 by direct current, 1 by pulse width modulation.'],
  ['temp input', 'Temperature in degrees Celsius.'],
  ['temp max', 'Maximum temperature in degrees Celsius.'],
  ['temp crit', 'Critical temperature in degrees Celsius.'],
  ['temp crit_alarm', 'Whether the temperature is critical: 0.001 if so, despite the unit in the name.'],
  ['temp alarm', ALARM],
  ['temp fault', FAULT],
  ['update_interval ', 'Sensor update interval of the chip in seconds.'],
  ['vrm ', 'Version of the voltage regulator.'],
]);

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
  const unit = unitOf(type, element);
  const middle = name === '' ? '' : `_${name}`;
  const kind = unit.suffix.endsWith('_total') ? 'counter' : 'gauge';
  const help = USUAL.get(`${type} ${element}`) ?? otherHelp(type, name || 'input', unit);
  const metric = type === 'vrm' ? 'node_hwmon_voltage_regulator_version' : `node_hwmon_${type}${middle}${unit.suffix}`;
  return { family: family(kind, metric, help, BY_SENSOR), scale: unit.scale };
}

/** node_exporter scales flags such as `max_alarm` like the values of their type. */
function otherHelp(type: string, element: string, { scale, what }: SensorUnit): string {
  const isScaledFlag = scale(1) !== 1 && /(?:^|_)(?:alarm|beep|enable|fault)$/.test(element);
  const unit = isScaledFlag ? `: ${scale(1)} when set, despite the unit in the name` : what;
  return `Element ${element} of ${type} sensors${unit}.`;
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

/** Whether an element is one of those that always have a number. */
export const isMeasured = (type: string, element: string): boolean => USUAL.has(`${type} ${element}`);

/** Families that do not depend on the driver, and those of the usual elements. */
export const knownFamilies: readonly Family[] = [
  chipNames,
  sensorLabel,
  beepEnabled,
  frequency,
  ...[...USUAL.keys()].map((key) => {
    const [type = '', element = ''] = key.split(' ');
    return makeMetric(type, element, element === 'input' ? '' : element).family;
  }),
];
