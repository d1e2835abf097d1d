import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { addDevice } from '../../../src/collectors/node/ethtool.ts';
import { FamilyCache } from '../../../src/collectors/node/family-cache.ts';
import { addRoutes } from '../../../src/collectors/node/network_route.ts';
import { addTimex } from '../../../src/collectors/node/timex.ts';
import { decodeDriverInfo, decodeSettings } from '../../../src/host/ethtool.ts';
import { putU32 } from '../../../src/host/native.ts';
import { eachMessage } from '../../../src/host/netlink.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { numberText } from '../../../src/metrics/text/format.ts';
import { fixture } from '../../kit/host-tree.ts';

// Samples from the kernel's responses to system calls; test/host/syscalls.test.ts tests the responses themselves.

const recorded = (file: string): Buffer => readFileSync(fixture(`syscalls/${file}`));

/** The lines of what `add` adds, sorted. */
function linesOf(add: (out: Snapshot) => void): string[] {
  const out = new Snapshot();
  add(out);
  assert.deepEqual(out.errors, []);
  return out.keys.map((key, index) => `${key} ${numberText(out.values[index] as number)}`).sort();
}

test('timex: a metric per field', () => {
  const lines = linesOf((out) =>
    addTimex(out, {
      synchronized: true,
      offsetSeconds: 1.5,
      frequencyRatio: 1.25,
      maxErrorSeconds: 3,
      estimatedErrorSeconds: 4,
      status: 5,
      timeConstant: 6,
      tickSeconds: 0.01,
      ppsFrequencyHertz: 8,
      ppsJitterSeconds: 9,
      ppsShiftSeconds: 10,
      ppsStabilityHertz: 11,
      ppsJitterCount: 12,
      ppsCalibrationCount: 13,
      ppsErrorCount: 14,
      ppsStabilityCount: 15,
      taiOffsetSeconds: 37,
    }),
  );
  assert.deepEqual(lines, [
    'node_timex_estimated_error_seconds 4',
    'node_timex_frequency_adjustment_ratio 1.25',
    'node_timex_loop_time_constant 6',
    'node_timex_maxerror_seconds 3',
    'node_timex_offset_seconds 1.5',
    'node_timex_pps_calibration_total 13',
    'node_timex_pps_error_total 14',
    'node_timex_pps_frequency_hertz 8',
    'node_timex_pps_jitter_seconds 9',
    'node_timex_pps_jitter_total 12',
    'node_timex_pps_shift_seconds 10',
    'node_timex_pps_stability_exceeded_total 15',
    'node_timex_pps_stability_hertz 11',
    'node_timex_status 5',
    'node_timex_sync_status 1',
    'node_timex_tai_offset_seconds 37',
    'node_timex_tick_seconds 0.01',
  ]);
});

test('ethtool: the driver, its link modes and the statistics with well-known names', () => {
  const settings = Buffer.alloc(44);
  // Gigabit over twisted pair, autonegotiation, pause; of these all but pause are advertised, and asymmetric pause.
  putU32(settings, 4, (1 << 5) | (1 << 6) | (1 << 7) | (1 << 13));
  putU32(settings, 8, (1 << 5) | (1 << 6) | (1 << 14));
  settings[18] = 1;
  const statistics = ['rx_bytes', 'rx_dropped', 'rx_errors', 'rx_packets', 'tx_bytes', 'tx_errors', 'tx_packets'];
  const driver = {
    settings: () => decodeSettings(settings),
    driverInfo: () => decodeDriverInfo(recorded('ethtool-driver.bin')),
    statistics: () => statistics.map((name, index): [string, bigint] => [name, BigInt(index + 1)]),
  };
  const families = new FamilyCache('untyped', ['device']);
  assert.deepEqual(
    linesOf((out) => addDevice(out, 'eth0', driver, /./, families)),
    [
      'node_ethtool_info{bus_info="0000:00:03.0",device="eth0",driver="virtio_net",expansion_rom_version="",firmware_version="",version="1.0.0"} 1',
      'node_ethtool_received_bytes_total{device="eth0"} 1',
      'node_ethtool_received_dropped_total{device="eth0"} 2',
      'node_ethtool_received_errors_total{device="eth0"} 3',
      'node_ethtool_received_packets_total{device="eth0"} 4',
      'node_ethtool_transmitted_bytes_total{device="eth0"} 5',
      'node_ethtool_transmitted_errors_total{device="eth0"} 6',
      'node_ethtool_transmitted_packets_total{device="eth0"} 7',
      'node_network_advertised_speed_bytes{device="eth0",duplex="full",mode="1000baseT"} 125000000',
      'node_network_asymmetricpause_advertised{device="eth0"} 1',
      'node_network_asymmetricpause_supported{device="eth0"} 0',
      'node_network_autonegotiate_advertised{device="eth0"} 1',
      'node_network_autonegotiate_supported{device="eth0"} 1',
      'node_network_autonegotiate{device="eth0"} 1',
      'node_network_pause_advertised{device="eth0"} 0',
      'node_network_pause_supported{device="eth0"} 1',
      'node_network_supported_port_info{device="eth0",type="TP"} 1',
      'node_network_supported_speed_bytes{device="eth0",duplex="full",mode="1000baseT"} 125000000',
    ],
  );
});

test('network_route: the recorded routes, and the number of routes per device', () => {
  const names = new Map([
    [1, 'lo'],
    [2, 'veth1'],
    [3, 'veth0'],
  ]);
  const lines = linesOf((out) => addRoutes(out, names, (take) => eachMessage(recorded('routes.bin'), take)));
  for (const line of [
    'node_network_route_info{device="veth0",src="10.1.0.1",dest="10.1.0.0/24",gw="",priority="0",proto="kernel",weight=""} 1',
    'node_network_route_info{device="veth1",src="",dest="10.50.0.0/16",gw="10.9.0.9",priority="0",proto="boot",weight="1"} 1',
  ]) {
    assert.ok(lines.includes(line), `${line} is not in\n${lines.join('\n')}`);
  }
  const counts = lines.filter((line) => line.startsWith('node_network_routes'));
  assert.deepEqual(counts, [
    // A route without a device.
    'node_network_routes{device=""} 1',
    'node_network_routes{device="veth0"} 10',
    'node_network_routes{device="veth1"} 3',
  ]);
});
