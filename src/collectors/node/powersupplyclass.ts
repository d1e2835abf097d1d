// /sys/class/power_supply: Documentation/ABI/testing/sysfs-class-power. On laptops, UPSes and some servers.
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { integerAttribute } from '../../host/attributes.ts';
import { type Family, gauge } from '../../metrics/family.ts';
import { labelBlock } from '../../metrics/text/format.ts';
import { defineCollector } from '../collector.ts';

type Row = readonly [attribute: string, name: string, help: string];

/** Attributes by what their integers are divided by; names below `node_power_supply_`. */
const ROWS: ReadonlyMap<number, readonly Row[]> = new Map([
  [
    1,
    [
      ['authentic', 'authentic', 'Whether the supply is genuine.'],
      ['calibrate', 'calibrate', 'Whether the battery is being calibrated.'],
      ['capacity', 'capacity', 'Remaining charge, in percent.'],
      ['capacity_alert_max', 'capacity_alert_max', 'Charge in percent above which the hardware alerts.'],
      ['capacity_alert_min', 'capacity_alert_min', 'Charge in percent below which the hardware alerts.'],
      ['cycle_count', 'cyclecount', 'Charge cycles of the battery.'],
      ['online', 'online', 'Whether the supply is online: 0 offline, 1 fixed voltage, 2 programmable voltage.'],
      ['present', 'present', 'Whether the battery is present.'],
      ['time_to_empty_now', 'time_to_empty_seconds', 'Seconds until the battery is empty.'],
      ['time_to_full_now', 'time_to_full_seconds', 'Seconds until the battery is full.'],
    ],
  ],
  [
    10,
    [
      ['temp', 'temp_celsius', 'Temperature in degrees Celsius.'],
      ['temp_alert_max', 'temp_alert_max_celsius', 'Temperature above which the hardware alerts.'],
      ['temp_alert_min', 'temp_alert_min_celsius', 'Temperature below which the hardware alerts.'],
      ['temp_ambient', 'temp_ambient_celsius', 'Ambient temperature, in degrees Celsius.'],
      ['temp_ambient_max', 'temp_ambient_max_celsius', 'Maximum allowed ambient temperature.'],
      ['temp_ambient_min', 'temp_ambient_min_celsius', 'Minimum allowed ambient temperature.'],
      ['temp_max', 'temp_max_celsius', 'Maximum allowed temperature.'],
      ['temp_min', 'temp_min_celsius', 'Minimum allowed temperature.'],
    ],
  ],
  [
    1e6,
    [
      ['charge_control_limit', 'charge_control_limit', 'Limit of the charging current, in amperes.'],
      ['charge_control_limit_max', 'charge_control_limit_max', 'Maximum value of charge_control_limit, in amperes.'],
      [
        'charge_counter',
        'charge_counter',
        'Charge counter, in ampere-hours; may be negative, and only differences are meaningful.',
      ],
      ['charge_empty', 'charge_empty', 'Charge at which the battery is considered empty, in ampere-hours.'],
      ['charge_empty_design', 'charge_empty_design', 'Design charge of the empty battery, in ampere-hours.'],
      ['charge_full', 'charge_full', 'Charge when the battery was last full, in ampere-hours.'],
      ['charge_full_design', 'charge_full_design', 'Design charge of the full battery, in ampere-hours.'],
      ['charge_now', 'charge_ampere', 'Remaining charge, in ampere-hours.'],
      ['charge_term_current', 'charge_term_current', 'Current below which charging ends, in amperes.'],
      ['constant_charge_current', 'constant_charge_current', 'Programmed constant charging current, in amperes.'],
      ['constant_charge_current_max', 'constant_charge_current_max', 'Maximum supported charging current, in amperes.'],
      ['constant_charge_voltage', 'constant_charge_voltage', 'Programmed constant charging voltage, in volts.'],
      ['constant_charge_voltage_max', 'constant_charge_voltage_max', 'Maximum supported charging voltage, in volts.'],
      ['current_boot', 'current_boot', 'Current at boot, in amperes.'],
      ['current_max', 'current_max', 'Maximum allowed current, in amperes.'],
      [
        'current_now',
        'current_ampere',
        'Instantaneous current, in amperes; on some batteries negative while discharging.',
      ],
      ['energy_empty', 'energy_empty', 'Energy at which the battery is considered empty, in watt-hours.'],
      ['energy_empty_design', 'energy_empty_design', 'Design energy of the empty battery, in watt-hours.'],
      ['energy_full', 'energy_full', 'Energy when the battery was last full, in watt-hours.'],
      ['energy_full_design', 'energy_full_design', 'Design energy of the full battery, in watt-hours.'],
      ['energy_now', 'energy_watthour', 'Remaining energy, in watt-hours.'],
      [
        'input_current_limit',
        'input_current_limit',
        'Limit of the current drawn from the charging source, in amperes.',
      ],
      ['power_now', 'power_watt', 'Instantaneous power, in watts.'],
      ['precharge_current', 'precharge_current', 'Maximum charging current during precharge, in amperes.'],
      ['voltage_boot', 'voltage_boot', 'Voltage at boot, in volts.'],
      ['voltage_max', 'voltage_max', 'Maximum voltage, measured or estimated, in volts.'],
      ['voltage_max_design', 'voltage_max_design', 'Maximum design voltage, in volts.'],
      ['voltage_min', 'voltage_min', 'Minimum voltage, measured or estimated, in volts.'],
      ['voltage_min_design', 'voltage_min_design', 'Minimum design voltage, in volts.'],
      ['voltage_now', 'voltage_volt', 'Instantaneous voltage, in volts.'],
      ['voltage_ocv', 'voltage_ocv', 'Open-circuit voltage, in volts.'],
    ],
  ],
]);

interface Attribute {
  readonly family: Family;
  readonly divisor: number;
}

const attributes: ReadonlyMap<string, Attribute> = new Map(
  [...ROWS].flatMap(([divisor, rows]) =>
    rows.map(([file, name, help]) => {
      const family = gauge(`node_power_supply_${name}`, help, ['power_supply']);
      return [file, { family, divisor }] as const;
    }),
  ),
);

/** Attributes with words, which become labels. */
const WORDS = [
  'capacity_level',
  'charge_type',
  'health',
  'manufacturer',
  'model_name',
  'scope',
  'serial_number',
  'status',
  'technology',
  'type',
  'usb_type',
];
const info = gauge(
  'node_power_supply_info',
  'Always 1; power supply information, with only the labels that the supply provides.',
  ['power_supply', ...WORDS],
);

const options = z.strictObject({
  ignoredSupplies: pattern().prefault('^$').describe('Exclude power supplies whose name matches.'),
});

/** Batteries and mains adapters. */
export const powersupplyclass = defineCollector({
  name: 'powersupplyclass',
  enabled: true,
  summary: 'Charge, current, voltage and state of batteries and mains adapters, from `/sys/class/power_supply`.',
  options,
  whenEmpty: 'no matching power supplies found',
  families: [...[...attributes.values()].map(({ family }) => family), info],
  create({ host }, { ignoredSupplies }) {
    const folder = host.sys('class/power_supply');
    return (out) => {
      for (const supply of host.list(folder)) {
        if (ignoredSupplies.test(supply)) continue;
        const words = new Map([['power_supply', supply]]);
        for (const file of host.listIfExists(`${folder}/${supply}`)) {
          const attribute = attributes.get(file);
          if (!attribute && !WORDS.includes(file)) continue;
          out.attempt(`${supply}/${file}`, () => {
            const path = `${folder}/${supply}/${file}`;
            if (attribute) {
              const value = integerAttribute(host, path);
              if (value !== undefined) out.add(attribute.family, value / attribute.divisor, supply);
            } else {
              const text = host.attribute(path) ?? '';
              if (text !== '') words.set(file, text);
            }
          });
        }
        out.addSeries(info, info.name + labelBlock([...words.keys()], [...words.values()]), 1);
      }
    };
  },
});
