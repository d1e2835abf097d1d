// Names of block devices, from /proc/diskstats: Documentation/admin-guide/iostats.rst.
import type { Host } from '../../host/host.ts';
import { words } from '../../host/lines.ts';

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
    try {
      for (const line of (this.#host.readIfExists(this.#host.proc('diskstats')) ?? '').split('\n')) {
        const [major, minor, name] = words(line);
        if (name !== undefined) this.#names.set(`${major}:${minor}`, UNNAMED.test(name) ? '' : `/dev/${name}`);
      }
    } catch (cause) {
      this.#fault = cause;
    }
  }
}
