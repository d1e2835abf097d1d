// /sys/fs/btrfs/<uuid>: btrfs(5), "Filesystem sysfs", and fs/btrfs/sysfs.c of the kernel. Nothing without mounted Btrfs.
import { countAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { type Losses, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { recordsOfFile } from '../../host/records.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const UUID = ['uuid'];
const PROFILE = ['uuid', 'block_group_type', 'mode'];
const info = gauge('node_btrfs_info', 'Always 1; the label of the file system.', ['uuid', 'label']);
const globalReserve = gauge('node_btrfs_global_rsv_size_bytes', 'Size of the global reserve.', UUID);
const reserved = gauge('node_btrfs_reserved_bytes', 'Bytes reserved.', ['uuid', 'block_group_type']);
const used = gauge('node_btrfs_used_bytes', 'Bytes used.', PROFILE);
const size = gauge('node_btrfs_size_bytes', 'Bytes allocated to block groups.', PROFILE);
const ratio = gauge('node_btrfs_allocation_ratio', 'Disk bytes used per byte of data.', PROFILE);
const deviceSize = gauge('node_btrfs_device_size_bytes', 'Size of a device.', ['uuid', 'device']);
const deviceErrors = counter('node_btrfs_device_errors_total', 'Errors of a device.', ['uuid', 'device', 'type']);

/** By keyword of commit_stats, present since Linux 6.0. */
const commitStats: ReadonlyMap<string, readonly [Family, number]> = new Map([
  ['commits', [counter('node_btrfs_commits_total', 'Commits.', UUID), 1]],
  ['last_commit_ms', [gauge('node_btrfs_last_commit_seconds', 'Duration of the last commit.', UUID), 1e3]],
  ['max_commit_ms', [gauge('node_btrfs_max_commit_seconds', 'Duration of the longest commit.', UUID), 1e3]],
  ['total_commit_ms', [counter('node_btrfs_commit_seconds_total', 'Total duration of all commits.', UUID), 1e3]],
]);

/** Copies of the data that a profile keeps; those with parity depend on the number of devices. */
const COPIES: ReadonlyMap<string, number> = new Map([
  ['single', 1],
  ['raid0', 1],
  ['dup', 2],
  ['raid1', 2],
  ['raid10', 2],
  ['raid1c3', 3],
  ['raid1c4', 4],
]);
const PARITIES: ReadonlyMap<string, number> = new Map([
  ['raid5', 1],
  ['raid6', 2],
]);

/** Types of block groups; `mixed` is the combination of the first two with `mkfs.btrfs --mixed`. */
const BLOCK_GROUPS = ['data', 'metadata', 'mixed', 'system'];

/** Space and errors of Btrfs. */
export const btrfs = defineCollector({
  name: 'btrfs',
  enabled: true,
  summary:
    'Space, commits and device errors of each mounted Btrfs, from `/sys/fs/btrfs/<uuid>`. With several devices, the ' +
    'errors have `device="devid <number>"`, as sysfs does not name the device.',
  options: NO_OPTIONS,
  whenEmpty: 'no Btrfs is mounted',
  families: [
    info,
    globalReserve,
    reserved,
    used,
    size,
    ratio,
    deviceSize,
    deviceErrors,
    ...[...commitStats.values()].map(([family]) => family),
  ],
  create({ host }) {
    const folder = host.sys('fs/btrfs');
    return (out) => {
      // Next to the file systems there is a folder with the features of the module.
      for (const name of host.listIfExists(folder)) {
        if (name.includes('-')) out.attempt(name, () => addFileSystem(out, host, `${folder}/${name}`, name));
      }
    };
  },
});

function addFileSystem(out: Snapshot, host: Host, folder: string, name: string): void {
  const devices = host.listIfExists(`${folder}/devices`);
  const uuid = out.attempt(`${folder}/metadata_uuid`, () => metadataUuid(host, folder)) ?? name;
  const addNumber = (family: Family, file: string, ...labels: string[]) => {
    out.attempt(`${folder}/${file}`, () => {
      const value = countAttribute(host, `${folder}/${file}`);
      if (value !== undefined) out.add(family, value, uuid, ...labels);
    });
  };
  out.attempt(`${folder}/label`, () => out.add(info, 1, uuid, host.attribute(`${folder}/label`) ?? ''));
  addNumber(globalReserve, 'allocation/global_rsv_size');
  for (const type of BLOCK_GROUPS) {
    addNumber(reserved, `allocation/${type}/bytes_reserved`, type);
    for (const mode of host.listIfExists(`${folder}/allocation/${type}`)) {
      const below = `allocation/${type}/${mode}`;
      if (!host.exists(`${folder}/${below}/total_bytes`)) continue;
      addNumber(used, `${below}/used_bytes`, type, mode);
      addNumber(size, `${below}/total_bytes`, type, mode);
      out.add(ratio, allocationRatio(mode, devices.length), uuid, type, mode);
    }
  }
  for (const device of devices) {
    const path = `${folder}/devices/${device}/size`;
    out.attempt(path, () => {
      const sectors = countAttribute(host, path);
      if (sectors !== undefined) out.add(deviceSize, sectors * 512, uuid, device);
    });
  }
  addErrors(out, host, folder, uuid, devices);
  for (const [keyword, value] of parsePairs(out, host, `${folder}/commit_stats`)) {
    const [family, divisor] = commitStats.get(keyword) ?? [];
    if (family && divisor) out.add(family, value / divisor, uuid);
  }
}

/** The UUID that `btrfstune -m` does not change; undefined on kernels without it. */
function metadataUuid(host: Host, folder: string): string | undefined {
  const text = host.attribute(`${folder}/metadata_uuid`);
  if (text === undefined || UUID_TEXT.test(text)) return text;
  throw new Error(`${folder}/metadata_uuid:1: expected a UUID, found ${JSON.stringify(text.slice(0, 40))}`);
}

const UUID_TEXT = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Error counts by device number, present since Linux 5.14. */
function addErrors(out: Snapshot, host: Host, folder: string, uuid: string, devices: readonly string[]): void {
  const numbers = host.listIfExists(`${folder}/devinfo`);
  const [only] = devices.length === 1 && numbers.length === 1 ? devices : [];
  for (const number of numbers) {
    for (const [keyword, value] of parsePairs(out, host, `${folder}/devinfo/${number}/error_stats`)) {
      out.add(deviceErrors, value, uuid, only ?? `devid ${number}`, keyword.replace(/_errs$/, ''));
    }
  }
}

/** Bytes of disk per byte of data in a profile; 0 for an unknown profile. */
export function allocationRatio(mode: string, devices: number): number {
  const parity = PARITIES.get(mode);
  if (parity === undefined) return COPIES.get(mode) ?? 0;
  return devices > parity ? devices / (devices - parity) : 0;
}

/** Lines of a word and a number; none if the file is absent. */
function parsePairs(lost: Losses, host: Host, path: string): [keyword: string, value: number][] {
  const pairs: [string, number][] = [];
  recordsOfFile(lost, host, path, (line) => {
    const [keyword = '', value] = words(line);
    pairs.push([keyword, count(value)]);
  });
  return pairs;
}
