// /proc/diskstats: Documentation/admin-guide/iostats.rst of the kernel.
import { eachRecord, type Losses, words } from './lines.ts';
import { count, integer, isInteger } from './numbers.ts';

/** A block device, which may be a partition. */
export interface BlockDevice {
  readonly major: string;
  readonly minor: string;
  /** Without `/dev/`; may contain a slash, as `cciss/c0d0`. */
  readonly device: string;
}

/** Counts since boot: times in milliseconds, sectors of 512 bytes, whatever the disk's own block size is. */
export interface DiskStats extends BlockDevice {
  readonly reads: number;
  readonly readsMerged: number;
  readonly sectorsRead: number;
  readonly readMs: number;
  readonly writes: number;
  readonly writesMerged: number;
  readonly sectorsWritten: number;
  readonly writeMs: number;
  /** Not a count: some kernels show it below zero. */
  readonly inFlight: number;
  readonly ioMs: number;
  readonly weightedMs: number;
  /** From here on undefined before Linux 4.18. */
  readonly discards: number | undefined;
  readonly discardsMerged: number | undefined;
  readonly sectorsDiscarded: number | undefined;
  readonly discardMs: number | undefined;
  /** From here on undefined before Linux 5.5. */
  readonly flushes: number | undefined;
  readonly flushMs: number | undefined;
}

const LEAST_COLUMNS = 11;
/** The columns that kernels before 2.6.25 print for a partition; skipped. */
const OLD_PARTITION_COLUMNS = 4;

/**
 * The devices with their counts. A malformed line, or a second one of the same device, is recorded as a loss; columns of
 * newer kernels are ignored.
 */
export function parseDiskstats(lost: Losses, path: string, text: string): DiskStats[] {
  const disks: DiskStats[] = [];
  eachDevice(lost, path, text, (device, columns) => {
    if (columns.length === OLD_PARTITION_COLUMNS) return;
    if (columns.length < LEAST_COLUMNS) throw new Error(`expected ${LEAST_COLUMNS} counts, found ${columns.length}`);
    disks.push(statsOf(device, columns));
  });
  return disks;
}

/** The devices alone: one whose counts are malformed has a name nevertheless. */
export function parseBlockDevices(lost: Losses, path: string, text: string): BlockDevice[] {
  const devices: BlockDevice[] = [];
  eachDevice(lost, path, text, (device) => devices.push(device));
  return devices;
}

function eachDevice(
  lost: Losses,
  path: string,
  text: string,
  take: (device: BlockDevice, columns: readonly string[]) => void,
): void {
  const known = new Set<string>();
  eachRecord(lost, path, text, (line) => {
    const [major = '', minor = '', device, ...columns] = words(line);
    if (!isInteger(major) || !isInteger(minor) || device === undefined) {
      throw new Error('expected the numbers and the name of a device');
    }
    if (known.has(device)) throw new Error(`${device} is listed twice`);
    take({ major, minor, device }, columns);
    known.add(device);
  });
}

function statsOf(device: BlockDevice, columns: readonly string[]): DiskStats {
  const value = (index: number) => count(columns[index]);
  const newer = (index: number) => (index < columns.length ? value(index) : undefined);
  return {
    ...device,
    reads: value(0),
    readsMerged: value(1),
    sectorsRead: value(2),
    readMs: value(3),
    writes: value(4),
    writesMerged: value(5),
    sectorsWritten: value(6),
    writeMs: value(7),
    inFlight: integer(columns[8]),
    ioMs: value(9),
    weightedMs: value(10),
    discards: newer(11),
    discardsMerged: newer(12),
    sectorsDiscarded: newer(13),
    discardMs: newer(14),
    flushes: newer(15),
    flushMs: newer(16),
  };
}
