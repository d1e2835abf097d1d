import type { Host } from './host.ts';
import { type Mount, parseMountinfo } from './mounts.ts';

/**
 * Which mounts of the host this process can reach. A pod has its own mount namespace: later mounts of the host only
 * reach it by propagation, and until then the path leads to the file system below.
 */
export class OwnMounts {
  readonly #host: Host;
  #text: string | undefined;
  #points: ReadonlySet<string> = new Set();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Refreshes the list. Returns a test for mounts of the host; all pass if its root is not mounted elsewhere. */
  refresh(): (mount: Mount) => boolean {
    const { rootfs } = this.#host.paths;
    if (rootfs === '/') return () => true;
    const path = this.#host.proc('self/mountinfo');
    const text = this.#host.readIfExists(path) ?? '';
    if (text !== this.#text) {
      // Malformed lines are recorded where the mounts of the host are read.
      const own = parseMountinfo(path, text, rootfs, { lose() {} });
      this.#points = new Set(own.filter(({ isBelowRoot }) => isBelowRoot).map(keyOf));
      this.#text = text;
    }
    const points = this.#points;
    return (mount) => points.size === 0 || points.has(keyOf(mount));
  }
}

const keyOf = ({ mountPoint, major, minor }: Mount): string => `${major}:${minor} ${mountPoint}`;
