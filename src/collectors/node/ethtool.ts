// Driver statistics of network devices: the ioctl of ethtool(8). Absent without node:ffi, and where the agent is not in
// the host's network namespace.

import * as z from 'zod';
import type { Matching } from '../../config/re2/pattern.ts';
import { pattern } from '../../config/units.ts';
import { Ethtool } from '../../host/ethtool.ts';
import { Netlink } from '../../host/netlink-socket.ts';
import { linkNames } from '../../host/rtnetlink.ts';
import { SyscallError } from '../../host/syscalls.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';
import {
  ASYMMETRIC_PAUSE_BIT,
  AUTONEGOTIATE_BIT,
  advertised,
  autonegotiate,
  ethtoolInfo,
  type ModeFamilies,
  PAUSE_BIT,
  PORTS,
  port,
  SPEEDS,
  sanitized,
  statisticFamily,
  statisticName,
  supported,
  wellKnownStatistics,
} from './ethtool-families.ts';
import { FamilyCache } from './family-cache.ts';
import { nameFilter } from './name-filter.ts';

const options = z.strictObject({
  deviceInclude: pattern().optional().describe('Include only devices whose name matches.'),
  deviceExclude: pattern().optional().describe('Exclude devices whose name matches.'),
  metricsInclude: pattern().prefault('.*').describe('Include only statistics whose name matches.'),
});

/** Drivers, link modes and driver statistics of network devices. */
export const ethtool = defineCollector({
  name: 'ethtool',
  enabled: false,
  summary:
    "Drivers, link modes and the drivers' own counters `node_ethtool_<name>` of network devices, by the ioctl of " +
    'ethtool (needs `node:ffi` and hostNetwork).',
  options,
  whenEmpty: 'no matching network device has a driver that supports ethtool',
  families: [
    ethtoolInfo,
    port,
    autonegotiate,
    ...Object.values(supported),
    ...Object.values(advertised),
    ...wellKnownStatistics,
  ],
  create({ host }, { deviceInclude, deviceExclude, metricsInclude }) {
    const isWanted = nameFilter('ethtool', { include: deviceInclude, exclude: deviceExclude });
    const netlink = new Netlink(host);
    // Drivers have hundreds of statistics whose names never change.
    const families = new FamilyCache('untyped', ['device']);
    return (out) => {
      // From netlink, because the ioctl acts in this process's network namespace as well.
      const devices = [...linkNames(netlink).values()].filter(isWanted);
      using driver = new Ethtool();
      for (const device of devices) addDevice(out, device, driver, metricsInclude, families);
    };
  },
});

/** The queries about a device. */
type DeviceDriver = Pick<Ethtool, 'settings' | 'driverInfo' | 'statistics'>;

/** Adds the samples of one device. */
export function addDevice(
  out: Snapshot,
  device: string,
  driver: DeviceDriver,
  metricsInclude: Matching,
  families: FamilyCache,
): void {
  attempt(out, device, () => addSettings(out, device, driver));
  attempt(out, device, () => addDriverInfo(out, device, driver));
  attempt(out, device, () => {
    const values = wantedStatistics(driver.statistics(device), metricsInclude);
    for (const [name, value] of values) out.add(families.get(...statisticFamily(name)), Number(value), device);
  });
}

/**
 * Drivers may not support the request (EOPNOTSUPP, which Node calls ENOTSUP), and devices may disappear at any time;
 * all other errors are losses.
 */
function attempt(out: Snapshot, device: string, ask: () => void): void {
  try {
    ask();
  } catch (cause) {
    const isAbsent = cause instanceof SyscallError && (cause.code === 'ENOTSUP' || cause.code === 'ENODEV');
    if (!isAbsent) out.lose(device, cause);
  }
}

const has = (modes: number, bit: number): boolean => ((modes >>> bit) & 1) === 1;

function addSettings(out: Snapshot, device: string, driver: DeviceDriver): void {
  const settings = driver.settings(device);
  addModes(out, device, supported, settings.supported);
  for (const [bit, type] of PORTS) if (has(settings.supported, bit)) out.add(port, 1, device, type);
  addModes(out, device, advertised, settings.advertised);
  out.add(autonegotiate, settings.autonegotiate ? 1 : 0, device);
}

const BYTES_PER_MEGABIT = 125_000;

function addModes(out: Snapshot, device: string, families: ModeFamilies, modes: number): void {
  for (const [bit, megabits, duplex, medium] of SPEEDS) {
    if (!has(modes, bit)) continue;
    out.add(families.speed, megabits * BYTES_PER_MEGABIT, device, duplex, `${megabits}base${medium}`);
  }
  out.add(families.autonegotiate, Number(has(modes, AUTONEGOTIATE_BIT)), device);
  out.add(families.pause, Number(has(modes, PAUSE_BIT)), device);
  out.add(families.asymmetricPause, Number(has(modes, ASYMMETRIC_PAUSE_BIT)), device);
}

function addDriverInfo(out: Snapshot, device: string, ethtool: DeviceDriver): void {
  const { busInfo, driver, expansionRomVersion, firmwareVersion, version } = ethtool.driverInfo(device);
  out.add(ethtoolInfo, 1, busInfo, device, driver, expansionRomVersion, firmwareVersion, version);
}

/** By sanitized name; names that become equal by sanitizing are all omitted, because they cannot be distinguished. */
export function wantedStatistics(
  statistics: readonly (readonly [name: string, value: bigint])[],
  include: Matching,
): Map<string, bigint> {
  const wanted = new Map<string, { name: string; value: bigint } | undefined>();
  for (const [raw, value] of statistics) {
    const name = sanitized(raw);
    if (!include.test(name)) continue;
    const key = statisticName(name);
    wanted.set(key, wanted.has(key) ? undefined : { name, value });
  }
  return new Map([...wanted.values()].filter((entry) => entry !== undefined).map(({ name, value }) => [name, value]));
}
