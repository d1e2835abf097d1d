import assert from 'node:assert/strict';
import { test } from 'node:test';
import { powersupplyclass } from '../../../src/collectors/node/powersupplyclass.ts';
import { thermalZone } from '../../../src/collectors/node/thermal_zone.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

// The samples of node_exporter's own tree are compared in hwmon.test.ts.

const ZONE = 'sys/class/thermal/thermal_zone';
const COOLING = 'sys/class/thermal/cooling_device';
const POWER = 'sys/class/power_supply';

test('a zone without a temperature is omitted, and -1 is a state', async (t) => {
  const paths = hostTree(t, {
    [`${ZONE}0/type`]: 'cold\n',
    [`${ZONE}0/temp`]: '-3500\n',
    [`${ZONE}1/type`]: 'asleep\n',
    [`${COOLING}12/type`]: 'fan\n',
    [`${COOLING}12/cur_state`]: '-1\n',
    [`${COOLING}12/max_state`]: '3\n',
    [`${COOLING}13/type`]: 'half\n',
  });
  assert.deepEqual((await collectOnce(thermalZone, paths)).lines, [
    'node_cooling_device_cur_state{name="12",type="fan"} -1',
    'node_cooling_device_max_state{name="12",type="fan"} 3',
    'node_thermal_zone_temp{zone="0",type="cold"} -3.5',
  ]);
});

test('a corrupt temperature affects only its zone', async (t) => {
  const paths = hostTree(t, {
    [`${ZONE}0/type`]: 'a',
    [`${ZONE}0/temp`]: 'hot',
    [`${ZONE}1/type`]: 'b',
    [`${ZONE}1/temp`]: '1000',
  });
  const { lines, result } = await collectOnce(thermalZone, paths);
  assert.deepEqual(lines, ['node_thermal_zone_temp{zone="1",type="b"} 1']);
  assert.match(String(result.errors), /thermal_zone0: .*temp:1: expected a number, found "hot"/);
});

test('scales of a power supply, and only the labels that it has', async (t) => {
  const paths = hostTree(t, {
    [`${POWER}/BAT0/current_now`]: '-150000\n',
    [`${POWER}/BAT0/temp`]: '251\n',
    [`${POWER}/BAT0/time_to_empty_now`]: '100\n',
    [`${POWER}/BAT0/status`]: '\n',
    [`${POWER}/BAT0/model_name`]: '  spaced name  \n',
    [`${POWER}/BAT0/usb_type`]: '[Unknown] SDP\n',
    [`${POWER}/BAT0/alarm`]: '5\n',
    [`${POWER}/AC/online`]: '1\n',
  });
  assert.deepEqual((await collectOnce(powersupplyclass, paths, { ignoredSupplies: '^AC$' })).lines, [
    'node_power_supply_current_ampere{power_supply="BAT0"} -0.15',
    'node_power_supply_info{power_supply="BAT0",model_name="spaced name",usb_type="[Unknown] SDP"} 1',
    'node_power_supply_temp_celsius{power_supply="BAT0"} 25.1',
    'node_power_supply_time_to_empty_seconds{power_supply="BAT0"} 100',
  ]);
});

test('a corrupt attribute of a power supply affects only that attribute', async (t) => {
  const paths = hostTree(t, { [`${POWER}/AC/online`]: 'yes', [`${POWER}/AC/present`]: '1' });
  const { lines, result } = await collectOnce(powersupplyclass, paths);
  assert.equal(lines.length, 2);
  assert.match(String(result.errors), /AC\/online: .*online:1: expected a number, found "yes"/);
});

for (const spec of [thermalZone, powersupplyclass]) {
  test(`${spec.name} has no data without its folder`, async (t) => {
    assert.equal((await collectOnce(spec, hostTree(t, {}))).result.outcome, 'nodata');
  });
}
