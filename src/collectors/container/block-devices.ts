// Names of block devices, from /proc/diskstats: Documentation/admin-guide/iostats.rst.
import { parseBlockDevices } from '../../host/diskstats.ts';
import type { Host } from '../../host/host.ts';

/** Devices that cAdvisor does not name. */
const UNNAMED = /^(?:loop|ram|sr)\d/;

/**
 * The names of block devices. Read in each cycle in which one is needed: the numbers of a device that was removed are
 * given to another one.
 */
export class BlockDevices {
  readonly #host: Host;
  #names: ReadonlyMap<string, string> | undefined;
  #fault: unknown;

  constructor(host: Host) {
    this.#host = host;
  }

  /** To be called when a cycle begins. */
  begin(): void {
    this.#names = undefined;
    this.#fault = undefined;
  }

  /** `/dev/sda` of `8:0`; empty when it has no name. */
  nameOf(major: string, minor: string): string {
    this.#names ??= this.#read();
    return this.#names.get(`${major}:${minor}`) ?? '';
  }

  /** Why names are missing in this cycle, if they are. */
  get fault(): unknown {
    return this.#fault;
  }

  #read(): Map<string, string> {
    const names = new Map<string, string>();
    const path = this.#host.proc('diskstats');
    const fail = (cause: unknown) => {
      this.#fault ??= cause;
    };
    try {
      const text = this.#host.readIfExists(path);
      // Empty on a host without block devices.
      if (text === undefined || text === '') return names;
      for (const { major, minor, device } of parseBlockDevices({ lose: (_, cause) => fail(cause) }, path, text)) {
        names.set(`${major}:${minor}`, UNNAMED.test(device) ? '' : `/dev/${device}`);
      }
    } catch (cause) {
      fail(cause);
    }
    return names;
  }
}
