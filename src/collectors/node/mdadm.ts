// /proc/mdstat and /sys/block/md*/md: Documentation/admin-guide/md.rst of the kernel. Absent where the module md is not
// loaded.
import type { Host } from '../../host/host.ts';
import { count } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';
import { parseMdstat } from './mdadm-parse.ts';

const DEVICE = ['device'];
const state = gauge('node_md_state', 'Whether the array is in this state.', ['device', 'state']);
const disks = gauge('node_md_disks', 'Disks of the array in this state.', ['device', 'state']);
const disksRequired = gauge('node_md_disks_required', 'Disks required by the array.', DEVICE);
const blocks = gauge('node_md_blocks', 'Blocks of 1024 bytes.', DEVICE);
const blocksSynced = gauge('node_md_blocks_synced', 'Blocks of 1024 bytes that are in sync.', DEVICE);
const raidDisks = gauge('node_md_raid_disks', 'Disks required by the array, according to sysfs.', DEVICE);
const degraded = gauge('node_md_degraded', 'Disks that are missing or have failed.', DEVICE);

/** States that have a series; an operation in progress replaces `active`. */
const STATES: readonly string[] = ['active', 'inactive', 'recovering', 'resync', 'check'];

/** Software RAID. */
export const mdadm = defineCollector({
  name: 'mdadm',
  enabled: true,
  summary: 'Software RAID arrays, from `/proc/mdstat` and `/sys/block/md*/md`.',
  options: NO_OPTIONS,
  whenEmpty: 'no software RAID arrays found',
  families: [state, disks, disksRequired, blocks, blocksSynced, raidDisks, degraded],
  create({ host }) {
    const path = host.proc('mdstat');
    return (out) => {
      for (const array of parseMdstat(out, path, host.read(path))) {
        const { device } = array;
        for (const name of STATES) out.add(state, name === array.state ? 1 : 0, device, name);
        out.add(disks, array.active, device, 'active');
        out.add(disks, array.failed, device, 'failed');
        out.add(disks, array.spare, device, 'spare');
        out.add(disksRequired, array.required, device);
        if (array.blocks !== undefined) out.add(blocks, array.blocks, device);
        if (array.synced !== undefined) out.add(blocksSynced, array.synced, device);
      }
      for (const device of host.listIfExists(host.sys('block'))) {
        if (device.startsWith('md')) out.attempt(device, () => addAttributes(out, host, device));
      }
    };
  },
});

/** Levels with redundancy; only they have a file `degraded`. */
const REDUNDANT = new Set(['raid1', 'raid4', 'raid5', 'raid6', 'raid10']);
const CONTAINERS = new Set(['container', 'imsm', 'ddf']);

function addAttributes(out: Snapshot, host: Host, device: string): void {
  const attribute = (file: string) => host.attribute(host.sys('block', device, 'md', file));
  const level = attribute('level');
  if (level === undefined) return;
  // While the array grows this is `11 (10)`, the new number and the old one.
  const disks = attribute('raid_disks')?.replace(/ \(\d+\)$/, '');
  if (level !== '' && !CONTAINERS.has(level) && disks) out.add(raidDisks, count(disks), device);
  const missing = REDUNDANT.has(level) ? attribute('degraded') : '0';
  if (missing !== undefined) out.add(degraded, count(missing), device);
}
