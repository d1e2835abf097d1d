// /sys/class/thermal: Documentation/ABI/testing/sysfs-class-thermal. Absent in most virtual machines.
import { integerAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const temperature = gauge('node_thermal_zone_temp', 'Temperature of the zone in degrees Celsius.', ['zone', 'type']);
const COOLING_LABELS = ['name', 'type'];
const current = gauge('node_cooling_device_cur_state', 'Current cooling state, from 0 to the maximum.', COOLING_LABELS);
const maximum = gauge('node_cooling_device_max_state', 'Maximum cooling state.', COOLING_LABELS);

/** Thermal zones and cooling devices. */
export const thermalZone = defineCollector({
  name: 'thermal_zone',
  enabled: true,
  summary: 'Temperatures of thermal zones and states of cooling devices, from `/sys/class/thermal`.',
  options: NO_OPTIONS,
  whenEmpty: 'no thermal zone reports a temperature, and there are no cooling devices',
  families: [temperature, current, maximum],
  create({ host }) {
    const folder = host.sys('class/thermal');
    return (out) => {
      for (const name of host.listIfExists(folder)) {
        const [, kind, number = ''] = /^(thermal_zone|cooling_device)(\d+)$/.exec(name) ?? [];
        const read = kind === 'thermal_zone' ? readZone : readCooling;
        if (kind !== undefined) out.attempt(name, () => read(host, `${folder}/${name}`, number, out));
      }
    };
  },
});

/** A zone that is disabled, or whose sensor is asleep, has no temperature; 0 degrees would be wrong. */
function readZone(host: Host, path: string, zone: string, out: Snapshot): void {
  const type = host.attribute(`${path}/type`);
  const millidegrees = integerAttribute(host, `${path}/temp`);
  if (type === undefined || millidegrees === undefined) return;
  out.add(temperature, millidegrees / 1000, zone, type);
}

function readCooling(host: Host, path: string, device: string, out: Snapshot): void {
  const type = host.attribute(`${path}/type`);
  const state = integerAttribute(host, `${path}/cur_state`);
  const most = integerAttribute(host, `${path}/max_state`);
  if (type === undefined || state === undefined || most === undefined) return;
  out.add(current, state, device, type);
  out.add(maximum, most, device, type);
}
