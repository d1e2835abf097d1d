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
      ['online', 'online', 'Whether the supply delivers power.'],
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
      ['temp_ambient', 'temp_ambient_celsius', 'Temperature around the supply in degrees Celsius.'],
      ['temp_ambient_max', 'temp_ambient_max_celsius', 'Highest temperature allowed around the supply.'],
      ['temp_ambient_min', 'temp_ambient_min_celsius', 'Lowest temperature allowed around the supply.'],
      ['temp_max', 'temp_max_celsius', 'Highest temperature allowed.'],
      ['temp_min', 'temp_min_celsius', 'Lowest temperature allowed.'],
    ],
  ],
  [
    1e6,
    [
      ['charge_control_limit', 'charge_control_limit', 'Currently allowed charging current, in amperes.'],
      ['charge_control_limit_max', 'charge_control_limit_max', 'Highest charging current that can be allowed.'],
      ['charge_counter', 'charge_counter', 'Charge counter since the battery was inserted, in ampere-hours.'],
      ['charge_empty', 'charge_empty', 'Charge when empty, in ampere-hours.'],
      ['charge_empty_design', 'charge_empty_design', 'Charge when empty, as designed, in ampere-hours.'],
      ['charge_full', 'charge_full', 'Charge when full, in ampere-hours.'],
      ['charge_full_design', 'charge_full_design', 'Charge when full, as designed, in ampere-hours.'],
      ['charge_now', 'charge_ampere', 'Remaining charge, in ampere-hours.'],
      ['charge_term_current', 'charge_term_current', 'Current below which charging ends, in amperes.'],
      ['constant_charge_current', 'constant_charge_current', 'Programmed charging current, in amperes.'],
      ['constant_charge_current_max', 'constant_charge_current_max', 'Highest charging current, in amperes.'],
      ['constant_charge_voltage', 'constant_charge_voltage', 'Programmed charging voltage, in volts.'],
      ['constant_charge_voltage_max', 'constant_charge_voltage_max', 'Highest charging voltage, in volts.'],
      ['current_boot', 'current_boot', 'Current at boot, in amperes.'],
      ['current_max', 'current_max', 'Highest current, in amperes.'],
      ['current_now', 'current_ampere', 'Current, in amperes; negative while some batteries discharge.'],
      ['energy_empty', 'energy_empty', 'Energy when empty, in watt-hours.'],
      ['energy_empty_design', 'energy_empty_design', 'Energy when empty, as designed, in watt-hours.'],
      ['energy_full', 'energy_full', 'Energy when full, in watt-hours.'],
      ['energy_full_design', 'energy_full_design', 'Energy when full, as designed, in watt-hours.'],
      ['energy_now', 'energy_watthour', 'Remaining energy, in watt-hours.'],
      ['input_current_limit', 'input_current_limit', 'Highest current taken from the supply, in amperes.'],
      ['power_now', 'power_watt', 'Power drawn, in watts.'],
      ['precharge_current', 'precharge_current', 'Current while precharging, in amperes.'],
      ['voltage_boot', 'voltage_boot', 'Voltage at boot, in volts.'],
      ['voltage_max', 'voltage_max', 'Highest voltage, in volts.'],
      ['voltage_max_design', 'voltage_max_design', 'Highest voltage, as designed, in volts.'],
      ['voltage_min', 'voltage_min', 'Lowest voltage, in volts.'],
      ['voltage_min_design', 'voltage_min_design', 'Lowest voltage, as designed, in volts.'],
      ['voltage_now', 'voltage_volt', 'Voltage, in volts.'],
      ['voltage_ocv', 'voltage_ocv', 'Voltage without load, in volts.'],
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
const info = gauge('node_power_supply_info', 'Power supply information; only the labels that it provides. Always 1.', [
  'power_supply',
  ...WORDS,
]);

const options = z.strictObject({
  ignoredSupplies: pattern().prefault('^$').describe('Power supplies to exclude.'),
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
