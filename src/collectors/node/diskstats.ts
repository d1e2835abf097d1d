// /proc/diskstats: Documentation/admin-guide/iostats.rst of the kernel; udev's data about a disk comes from its
// database, one text file per device: sd_device of systemd. The first is present on every host with block devices, the
// second where udev runs and its database is mounted.

import { join } from 'node:path';
import * as z from 'zod';
import { zip } from '../../base/zip.ts';
import { pattern } from '../../config/units.ts';
import type { Host } from '../../host/host.ts';
import { eachRecord, type Losses, words } from '../../host/lines.ts';
import { count as countOf, decimal, integer } from '../../host/numbers.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';
import { nameFilter } from './name-filter.ts';

interface Column {
  readonly family: Family;
  readonly factor: number;
}

const column =
  (factor: number, declare = counter) =>
  (name: string, help: string): Column => ({ family: declare(name, help, ['device']), factor });
const count = column(1);
const level = column(1, gauge);
const milliseconds = column(0.001);
/** Sectors in this file are 512 bytes, whatever the disk's own block size is. */
const sectors = column(512);

/**
 * The columns after major, minor and name. Kernels before 4.18 end before the discards, those before 5.5 before the
 * flushes.
 */
const columns: readonly Column[] = [
  count('node_disk_reads_completed_total', 'Reads completed.'),
  count('node_disk_reads_merged_total', 'Reads merged into another before they were issued.'),
  sectors('node_disk_read_bytes_total', 'Bytes read.'),
  milliseconds('node_disk_read_time_seconds_total', 'Total time spent on reads.'),
  count('node_disk_writes_completed_total', 'Writes completed.'),
  count('node_disk_writes_merged_total', 'Writes merged into another before they were issued.'),
  sectors('node_disk_written_bytes_total', 'Bytes written.'),
  milliseconds('node_disk_write_time_seconds_total', 'Total time spent on writes.'),
  level('node_disk_io_now', 'Requests in flight.'),
  milliseconds('node_disk_io_time_seconds_total', 'Time during which requests were in flight.'),
  milliseconds('node_disk_io_time_weighted_seconds_total', 'Time in flight, weighted by the number of requests.'),
  count('node_disk_discards_completed_total', 'Discards completed.'),
  count('node_disk_discards_merged_total', 'Discards merged into another before they were issued.'),
  count('node_disk_discarded_sectors_total', 'Sectors discarded.'),
  milliseconds('node_disk_discard_time_seconds_total', 'Total time spent on discards.'),
  count('node_disk_flush_requests_total', 'Flush requests completed.'),
  milliseconds('node_disk_flush_requests_time_seconds_total', 'Total time spent on flush requests.'),
];
const LEAST_COLUMNS = 11;
/** The columns that kernels before 2.6.25 print for a partition; skipped. */
const OLD_PARTITION_COLUMNS = 4;

const DISK = ['device', 'major', 'minor', 'path', 'wwn', 'model', 'serial', 'revision', 'rotational'];
const FILESYSTEM = ['device', 'type', 'usage', 'uuid', 'version'];
const MAPPER = ['device', 'name', 'uuid', 'vg_name', 'lv_name', 'lv_layer'];
const info = gauge('node_disk_info', 'Always 1; disk information.', DISK);
const filesystemInfo = gauge('node_disk_filesystem_info', 'Always 1; the file system on the device.', FILESYSTEM);
const mapperInfo = gauge(
  'node_disk_device_mapper_info',
  'Always 1; information about the device mapper device.',
  MAPPER,
);

/** Data of udev about ATA disks, by property. */
const ataProperties = new Map([
  ['ID_ATA_WRITE_CACHE', level('node_disk_ata_write_cache', 'Whether the ATA disk has a write cache.')],
  ['ID_ATA_WRITE_CACHE_ENABLED', level('node_disk_ata_write_cache_enabled', 'Whether the write cache is enabled.')],
  [
    'ID_ATA_ROTATION_RATE_RPM',
    level('node_disk_ata_rotation_rate_rpm', 'Rotation rate in revolutions per minute; 0 for an SSD.'),
  ],
]);

/** Names of partitions; Xen also uses these for whole disks. */
const PARTITION = /^(?:h|s|v|xv)d[a-z]\d+$/;
const USUAL_EXCLUDE = /^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$/;

const options = z.strictObject({
  deviceInclude: pattern().optional().describe('Include only devices whose name matches.'),
  deviceExclude: pattern()
    .optional()
    .describe(
      `Exclude devices whose name matches. Default if neither this nor \`deviceInclude\` is set: \`${USUAL_EXCLUDE.source}\`.`,
    ),
});

/** I/O counts of block devices, and their identity. */
export const diskstats = defineCollector({
  name: 'diskstats',
  enabled: true,
  summary: 'I/O of block devices, from `/proc/diskstats`, with their identity from udev (`/run/udev/data`).',
  options,
  whenEmpty: 'no matching block devices found',
  families: [...[...columns, ...ataProperties.values()].map(({ family }) => family), info, filesystemInfo, mapperInfo],
  create({ host }, { deviceInclude: include, deviceExclude: exclude }) {
    const path = host.proc('diskstats');
    const isWanted = nameFilter('diskstats', { include, exclude }, USUAL_EXCLUDE);
    const isUsual = include === undefined && exclude === undefined;
    // Without udev's database, each lookup of a device would only cause an error.
    const hasUdev = host.listIfExists(host.paths.udev).length > 0;
    return (out) => {
      const disks = parseDiskstats(out, path, host.read(path));
      const listed = new Set(disks.map(({ device }) => device));
      for (const disk of disks) {
        if (!isWanted(disk.device) && !(isUsual && isWholeDisk(host, disk.device, listed))) continue;
        for (const [{ family }, value] of zip(columns, disk.values)) out.add(family, value, disk.device);
        const entry = join(host.paths.udev, `b${disk.major}:${disk.minor}`);
        addIdentity(out, host, disk, (hasUdev && out.attempt(entry, () => readUdev(host, entry))) || NO_UDEV);
      }
    };
  },
});

interface Disk {
  readonly major: string;
  readonly minor: string;
  readonly device: string;
  /** In the order and the units of `columns`. */
  readonly values: readonly number[];
}

/** A partition is listed next to its disk, and has no folder in /sys/block. */
const isWholeDisk = (host: Host, device: string, listed: ReadonlySet<string>): boolean =>
  PARTITION.test(device) && (!listed.has(device.replace(/\d+$/, '')) || host.exists(host.sys('block', device)));

/** The devices of /proc/diskstats. */
function parseDiskstats(lost: Losses, path: string, text: string): Disk[] {
  const disks = new Map<string, Disk>();
  eachRecord(lost, path, text, (line) => {
    const [major = '', minor = '', device = '', ...counts] = words(line);
    if (counts.length === OLD_PARTITION_COLUMNS) return;
    if (counts.length < LEAST_COLUMNS) throw new Error(`expected ${LEAST_COLUMNS} counts, found ${counts.length}`);
    if (disks.has(device)) throw new Error(`${device} is listed twice`);
    const values = Array.from(
      zip(columns, counts),
      ([{ family, factor }, text]) => (family.type === 'counter' ? countOf(text) : integer(text)) * factor,
    );
    disks.set(device, { major, minor, device, values });
  });
  return [...disks.values()];
}

type Udev = ReadonlyMap<string, string>;
const NO_UDEV: Udev = new Map();

const readUdev = (host: Host, path: string): Udev => parseUdev(host.readIfExists(path) ?? '');

/** The properties of a device, lines `E:KEY=VALUE` among others. */
function parseUdev(text: string): Udev {
  const properties = new Map<string, string>();
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (line.startsWith('E:') && equals !== -1) properties.set(line.slice(2, equals), line.slice(equals + 1));
  }
  return properties;
}

function addIdentity(out: Snapshot, host: Host, { device, major, minor }: Disk, udev: Udev): void {
  const known = (...keys: readonly string[]) => keys.map((key) => udev.get(key) ?? '');
  // In sysfs a slash in a name, as of cciss/c0d0, is an exclamation mark.
  const attribute = host.sys('block', device.replaceAll('/', '!'), 'queue/rotational');
  const rotational = out.attempt(attribute, () => host.attribute(attribute)) === '1' ? '1' : '0';
  const serial = known('SCSI_IDENT_SERIAL', 'ID_SERIAL_SHORT', 'ID_SERIAL').find(Boolean) ?? '';
  const product = [...known('ID_PATH', 'ID_WWN', 'ID_MODEL'), serial, ...known('ID_REVISION')];
  out.add(info, 1, device, major, minor, ...product, rotational);
  if (udev.get('ID_FS_TYPE')) {
    out.add(filesystemInfo, 1, device, ...known('ID_FS_TYPE', 'ID_FS_USAGE', 'ID_FS_UUID', 'ID_FS_VERSION'));
  }
  if (udev.get('DM_NAME')) {
    out.add(mapperInfo, 1, device, ...known('DM_NAME', 'DM_UUID', 'DM_VG_NAME', 'DM_LV_NAME', 'DM_LV_LAYER'));
  }
  if (!udev.get('ID_ATA')) return;
  for (const [key, { family }] of ataProperties) {
    const text = udev.get(key);
    if (text) out.attempt(`${device} ${key}`, () => out.add(family, decimal(text), device));
  }
}
