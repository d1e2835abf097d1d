// /proc/<pid>/mountstats, of which the kernel writes statistics only for NFS: fs/nfs/super.c (nfs_show_stats),
// include/linux/nfs_iostat.h, net/sunrpc/stats.c, net/sunrpc/xprtsock.c.
import { eachRecord, type Losses, words } from '../../host/lines.ts';
import { bigInteger, integer } from '../../host/numbers.ts';

/** One connection to a server. */
interface NfsTransport {
  readonly protocol: string;
  /** The numbers of the line of a TCP connection, the local port first; see {@link parseTransport}. */
  readonly counts: readonly number[];
}

/** Statistics of one RPC operation. */
interface NfsOperation {
  readonly name: string;
  /** Requests, transmissions, timeouts, bytes sent and received, then three times in milliseconds. */
  readonly counts: readonly number[];
}

/** A mounted NFS file system. */
export interface NfsMount {
  readonly device: string;
  readonly mountPoint: string;
  readonly age: number | undefined;
  readonly bytes: readonly number[];
  readonly events: readonly number[];
  readonly transports: readonly NfsTransport[];
  readonly operations: readonly NfsOperation[];
}

interface Draft extends NfsMount {
  age: number | undefined;
  bytes: number[];
  events: number[];
  transports: NfsTransport[];
  operations: NfsOperation[];
  inOperations: boolean;
}

/**
 * The NFS mounts in the file. Each mount is a line `device D mounted on M with fstype T [statvers=V]`; statistics
 * follow indented, those by operation last, then a blank line. A mount with a bad line is dropped alone, since partial
 * counters would look like a reset.
 */
export function parseMountstats(lost: Losses, path: string, text: string): NfsMount[] {
  const mounts = new Set<Draft>();
  let mount: Draft | undefined;
  eachRecord(lost, path, text, (line) => {
    const fields = words(line);
    try {
      // A mount without a source is "no device mounted on". An id may contain line breaks (gVisor, appliances).
      if (/^(?:device .*|no device) mounted on /.test(line)) {
        mount = undefined;
        mount = startMount(line, fields);
        if (mount) mounts.add(mount);
      } else if (line.startsWith('device ')) {
        mount = undefined;
        throw new Error('expected "device … mounted on … with fstype …"');
      } else if (mount) addStatistics(mount, fields);
    } catch (cause) {
      if (mount) mounts.delete(mount);
      mount = undefined;
      throw cause;
    }
  });
  return [...mounts];
}

const STATISTICS_VERSIONS = ['statvers=1.0', 'statvers=1.1'];

function startMount(line: string, fields: readonly string[]): Draft | undefined {
  if (line.startsWith('no device')) return undefined;
  const [, device, mounted, on, mountPoint, , , type, version] = fields;
  if (device === undefined || mountPoint === undefined || type === undefined || mounted !== 'mounted' || on !== 'on') {
    throw new Error('expected "device … mounted on … with fstype …"');
  }
  if (version === undefined || (type !== 'nfs' && type !== 'nfs4')) return undefined;
  if (!STATISTICS_VERSIONS.includes(version)) throw new Error(`unknown version ${version} of the statistics`);
  const empty = { age: undefined, bytes: [], events: [], transports: [], operations: [] };
  return { device, mountPoint, ...empty, inOperations: false };
}

function addStatistics(mount: Draft, [keyword = '', ...fields]: readonly string[]): void {
  if (mount.inOperations) mount.operations.push(parseOperation(keyword, fields));
  else if (keyword === 'age:') mount.age = integer(fields[0]);
  else if (keyword === 'bytes:') mount.bytes = atLeast(8, fields.map(integer));
  else if (keyword === 'events:') mount.events = atLeast(25, fields.map(integer));
  else if (keyword === 'xprt:') mount.transports.push(parseTransport(fields));
  else if (keyword === 'per-op') mount.inOperations = true;
}

/** `tcp 832 0 1 0 11 …`; UDP has no connections, so its lines lack the fields 3 to 5, which are zeros here. */
function parseTransport([protocol = '', ...fields]: readonly string[]): NfsTransport {
  if (protocol === 'udp') {
    const counts = atLeast(7, fields.map(integer));
    return { protocol, counts: [...counts.slice(0, 2), 0, 0, 0, ...counts.slice(2)] };
  }
  const IDLE_SECONDS = 4;
  const counts = fields.map((text, index) => (index === IDLE_SECONDS ? duration(text) : integer(text)));
  return { protocol, counts: atLeast(10, counts) };
}

/** `READ: 1298 1298 0 207680 1210292152 6 79386 79407` */
function parseOperation(keyword: string, fields: readonly string[]): NfsOperation {
  const FIRST_TIME = 5;
  const counts = fields.map((text, index) => (index < FIRST_TIME ? integer(text) : duration(text)));
  return { name: keyword.replace(/:$/, ''), counts: atLeast(8, counts) };
}

/** Clocks that are set back produce times of nearly 2^64; node_exporter shows them modulo 2^53. */
const duration = (text: string): number => Number(bigInteger(text) % 2n ** 53n);

function atLeast(count: number, numbers: number[]): number[] {
  if (numbers.length < count) throw new Error(`expected ${count} numbers, found ${numbers.length}`);
  return numbers;
}
