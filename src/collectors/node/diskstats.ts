// /proc/diskstats: Documentation/admin-guide/iostats.rst of the kernel; udev's data about a disk comes from its
// database, one text file per device: sd_device of systemd. The first is present on every host with block devices, the
// second where udev runs and its database is mounted.

import { join } from 'node:path';
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { type BlockDevice, type DiskStats, parseDiskstats } from '../../host/diskstats.ts';
import type { Host } from '../../host/host.ts';
import { decimal } from '../../host/numbers.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';
import { nameFilter } from './name-filter.ts';

/** A count of a disk, and the unit of its family. */
interface Column {
  readonly field: Exclude<keyof DiskStats, keyof BlockDevice>;
  readonly family: Family;
  readonly factor: number;
}

const ofDevice = (declare: typeof counter, name: string, help: string): Family => declare(name, help, ['device']);
const column =
  (factor: number, declare = counter) =>
  (field: Column['field'], name: string, help: string): Column => ({
    field,
    family: ofDevice(declare, name, help),
    factor,
  });
const count = column(1);
const level = column(1, gauge);
const milliseconds = column(0.001);
const sectors = column(512);

const columns: readonly Column[] = [
  count('reads', 'node_disk_reads_completed_total', 'Reads completed.'),
  count('readsMerged', 'node_disk_reads_merged_total', 'Reads merged into another before they were issued.'),
  sectors('sectorsRead', 'node_disk_read_bytes_total', 'Bytes read.'),
  milliseconds('readMs', 'node_disk_read_time_seconds_total', 'Total time spent on reads.'),
  count('writes', 'node_disk_writes_completed_total', 'Writes completed.'),
  count('writesMerged', 'node_disk_writes_merged_total', 'Writes merged into another before they were issued.'),
  sectors('sectorsWritten', 'node_disk_written_bytes_total', 'Bytes written.'),
  milliseconds('writeMs', 'node_disk_write_time_seconds_total', 'Total time spent on writes.'),
  level('inFlight', 'node_disk_io_now', 'Requests in flight.'),
  milliseconds('ioMs', 'node_disk_io_time_seconds_total', 'Time during which requests were in flight.'),
  milliseconds(
    'weightedMs',
    'node_disk_io_time_weighted_seconds_total',
    'Time in flight, weighted by the number of requests.',
  ),
  count('discards', 'node_disk_discards_completed_total', 'Discards completed.'),
  count('discardsMerged', 'node_disk_discards_merged_total', 'Discards merged into another before they were issued.'),
  count('sectorsDiscarded', 'node_disk_discarded_sectors_total', 'Sectors discarded.'),
  milliseconds('discardMs', 'node_disk_discard_time_seconds_total', 'Total time spent on discards.'),
  count('flushes', 'node_disk_flush_requests_total', 'Flush requests completed.'),
  milliseconds('flushMs', 'node_disk_flush_requests_time_seconds_total', 'Total time spent on flush requests.'),
];

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
  ['ID_ATA_WRITE_CACHE', ofDevice(gauge, 'node_disk_ata_write_cache', 'Whether the ATA disk has a write cache.')],
  [
    'ID_ATA_WRITE_CACHE_ENABLED',
    ofDevice(gauge, 'node_disk_ata_write_cache_enabled', 'Whether the write cache is enabled.'),
  ],
  [
    'ID_ATA_ROTATION_RATE_RPM',
    ofDevice(gauge, 'node_disk_ata_rotation_rate_rpm', 'Rotation rate in revolutions per minute; 0 for an SSD.'),
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
  summary:
    'I/O of block devices, from `/proc/diskstats`, with their identity from udev (`/run/udev/data`) and `/sys/block`.',
  options,
  whenEmpty: 'no matching block devices found',
  families: [...columns.map(({ family }) => family), ...ataProperties.values(), info, filesystemInfo, mapperInfo],
  create({ host }, { deviceInclude: include, deviceExclude: exclude }) {
    const path = host.proc('diskstats');
    const isWanted = nameFilter('diskstats', { include, exclude }, USUAL_EXCLUDE);
    const isUsual = include === undefined && exclude === undefined;
    // Without udev's database, each lookup of a device would only cause an error. udev may start later.
    let hasUdev = false;
    return (out) => {
      hasUdev ||= host.listIfExists(host.paths.udev).length > 0;
      const disks = parseDiskstats(out, path, host.read(path));
      const listed = new Set(disks.map(({ device }) => device));
      for (const disk of disks) {
        if (!isWanted(disk.device) && !(isUsual && isWholeDisk(host, disk.device, listed))) continue;
        for (const { field, family, factor } of columns) {
          const value = disk[field];
          if (value !== undefined) out.add(family, value * factor, disk.device);
        }
        const entry = join(host.paths.udev, `b${disk.major}:${disk.minor}`);
        addIdentity(out, host, disk, (hasUdev && out.attempt(entry, () => readUdev(host, entry))) || NO_UDEV);
      }
    };
  },
});

/** A partition is listed next to its disk, and has no folder in /sys/block. */
const isWholeDisk = (host: Host, device: string, listed: ReadonlySet<string>): boolean =>
  PARTITION.test(device) && (!listed.has(device.replace(/\d+$/, '')) || host.exists(host.sys('block', device)));

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

function addIdentity(out: Snapshot, host: Host, { device, major, minor }: BlockDevice, udev: Udev): void {
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
  for (const [key, family] of ataProperties) {
    const text = udev.get(key);
    if (text) out.attempt(`${device} ${key}`, () => out.add(family, decimal(text), device));
  }
}
