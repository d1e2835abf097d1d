// What drivers report about network devices through the ioctl SIOCETHTOOL: ethtool(8), include/uapi/linux/ethtool.h.
import { nulTerminated, putU32, u32, u64 } from './native.ts';
import { RawSocket } from './syscalls.ts';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GSET = 0x1;
const ETHTOOL_GDRVINFO = 0x3;
const ETHTOOL_GSTRINGS = 0x1b;
const ETHTOOL_GSTATS = 0x1d;
const ETH_SS_STATS = 1;
const NAME_BYTES = 32;
/** struct ethtool_cmd and ethtool_drvinfo. */
const SETTINGS_BYTES = 44;
const DRIVER_BYTES = 196;

/**
 * The kernel writes all of a driver's statistics, however large our buffer is; a driver may add more after we asked for
 * their number, when its queues are reconfigured. So the buffers hold twice the accepted maximum.
 */
const MAX_STATISTICS = 8192;
const STATISTICS_CAPACITY = 2 * MAX_STATISTICS;

/** The driver of a device. */
interface DriverInfo {
  readonly driver: string;
  readonly version: string;
  readonly firmwareVersion: string;
  readonly busInfo: string;
  readonly expansionRomVersion: string;
  /** How many statistics the driver has. */
  readonly statistics: number;
}

/** Supported and current settings of a device; masks of ETHTOOL_LINK_MODE_* bits up to 31. */
interface LinkSettings {
  readonly supported: number;
  readonly advertised: number;
  readonly autonegotiate: boolean;
}

/** The ioctl on an own socket, for `using`. Throws Unsupported or SyscallError. */
export class Ethtool {
  readonly #socket = new RawSocket(AF_INET, SOCK_DGRAM, 0);
  readonly #names = Buffer.allocUnsafeSlow(12 + STATISTICS_CAPACITY * NAME_BYTES);
  readonly #values = Buffer.allocUnsafeSlow(8 + STATISTICS_CAPACITY * 8);

  /** Throws SyscallError: ENOTSUP if the driver does not support the request, ENODEV if the device is gone. */
  driverInfo(device: string): DriverInfo {
    return decodeDriverInfo(this.#ask(device, ETHTOOL_GDRVINFO, Buffer.alloc(DRIVER_BYTES)));
  }

  /** Throws SyscallError like {@link driverInfo}. */
  settings(device: string): LinkSettings {
    return decodeSettings(this.#ask(device, ETHTOOL_GSET, Buffer.alloc(SETTINGS_BYTES)));
  }

  /** The driver's own counters, with its names and order. Throws SyscallError like {@link driverInfo}. */
  statistics(device: string): [name: string, value: bigint][] {
    const { statistics } = this.driverInfo(device);
    if (statistics === 0) return [];
    if (statistics > MAX_STATISTICS) throw new Error(`${statistics} statistics exceed the limit of ${MAX_STATISTICS}`);
    putU32(this.#names, 4, ETH_SS_STATS);
    putU32(this.#names, 8, statistics);
    putU32(this.#values, 4, statistics);
    this.#ask(device, ETHTOOL_GSTRINGS, this.#names);
    this.#ask(device, ETHTOOL_GSTATS, this.#values);
    return decodeStatistics(this.#names, this.#values);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  #ask(device: string, command: number, structure: Buffer): Buffer {
    putU32(structure, 0, command);
    this.#socket.deviceIoctl(SIOCETHTOOL, device, structure);
    return structure;
  }
}

/** Decodes struct ethtool_drvinfo. */
export function decodeDriverInfo(structure: Buffer): DriverInfo {
  const text = (index: number) =>
    nulTerminated(structure.subarray(4 + index * NAME_BYTES, 4 + (index + 1) * NAME_BYTES));
  return {
    driver: text(0),
    version: text(1),
    firmwareVersion: text(2),
    busInfo: text(3),
    expansionRomVersion: text(4),
    statistics: u32(structure, 180),
  };
}

/** Decodes struct ethtool_cmd. */
export const decodeSettings = (structure: Buffer): LinkSettings => ({
  supported: u32(structure, 4),
  advertised: u32(structure, 8),
  autonegotiate: structure[18] === 1,
});

/** Decodes struct ethtool_gstrings and ethtool_stats. */
export function decodeStatistics(names: Buffer, values: Buffer): [name: string, value: bigint][] {
  // Fewer names than values or vice versa: the driver changed between the two calls.
  const count = Math.min(u32(names, 8), u32(values, 4));
  return Array.from({ length: count }, (_, index) => {
    const start = 12 + index * NAME_BYTES;
    return [nulTerminated(names.subarray(start, start + NAME_BYTES)), u64(values, 8 + index * 8)];
  });
}
