// Names of block devices, from /proc/diskstats: Documentation/admin-guide/iostats.rst.
import { parseBlockDevices } from '../../host/diskstats.ts';
import type { Host } from '../../host/host.ts';

/** Devices that cAdvisor does not name. */
const UNNAMED = /^(?:loop|ram|sr)\d/;

/** The names of block devices, reread when an unknown one appears. */
export class BlockDevices {
  readonly #host: Host;
  readonly #names = new Map<string, string>();
  #fault: unknown;

  constructor(host: Host) {
    this.#host = host;
  }

  /** `/dev/sda` of `8:0`; empty when it has no name. */
  nameOf(major: string, minor: string): string {
    const key = `${major}:${minor}`;
    const known = this.#names.get(key);
    if (known !== undefined || this.#fault !== undefined) return known ?? '';
    this.#readAll();
    // An unknown device must not cause a read for each cgroup in each cycle.
    if (this.#fault === undefined && !this.#names.has(key)) this.#names.set(key, '');
    return this.#names.get(key) ?? '';
  }

  /** Why names are missing, if they are; called once per cycle, then reading is retried. */
  takeFault(): unknown {
    const fault = this.#fault;
    this.#fault = undefined;
    return fault;
  }

  #readAll(): void {
    const path = this.#host.proc('diskstats');
    const fail = (cause: unknown) => {
      this.#fault ??= cause;
    };
    try {
      const text = this.#host.readIfExists(path);
      // Empty on a host without block devices.
      if (text === undefined || text === '') return;
      for (const { major, minor, device } of parseBlockDevices({ lose: (_, cause) => fail(cause) }, path, text)) {
        this.#names.set(`${major}:${minor}`, UNNAMED.test(device) ? '' : `/dev/${device}`);
      }
    } catch (cause) {
      fail(cause);
    }
  }
}
