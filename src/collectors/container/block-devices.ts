// Names of block devices, from /proc/diskstats: Documentation/admin-guide/iostats.rst.
import type { Host } from '../../host/host.ts';
import { words } from '../../host/lines.ts';

/** Devices that cAdvisor does not name. */
const UNNAMED = /^(?:loop|ram|sr)\d/;

/** The names of block devices, read again when there is one that is not known. */
export class BlockDevices {
  readonly #host: Host;
  readonly #names = new Map<string, string>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** `/dev/sda` of `8:0`; empty when it has no name. */
  nameOf(major: string, minor: string): string {
    const key = `${major}:${minor}`;
    if (!this.#names.has(key)) {
      // One that is nowhere must not cause a read for each cgroup in each cycle.
      this.#names.set(key, '');
      this.#readAll();
    }
    return this.#names.get(key) ?? '';
  }

  #readAll(): void {
    for (const line of (this.#host.readIfExists(this.#host.proc('diskstats')) ?? '').split('\n')) {
      const [major, minor, name] = words(line);
      if (name !== undefined) this.#names.set(`${major}:${minor}`, UNNAMED.test(name) ? '' : `/dev/${name}`);
    }
  }
}
