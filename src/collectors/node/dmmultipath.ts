// /sys/block/dm-*: Documentation/ABI/testing/sysfs-block-dm of the kernel. Nothing without multipath devices.
import { countAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const DEVICE = ['device', 'sysfs_name'];
const info = gauge('node_dmmultipath_device_info', 'Always 1; the identity of the device.', [...DEVICE, 'uuid']);
const active = gauge('node_dmmultipath_device_active', 'Whether the device is active (not suspended).', DEVICE);
const size = gauge('node_dmmultipath_device_size_bytes', 'Size of the device.', DEVICE);
const paths = gauge('node_dmmultipath_device_paths', 'Paths to the device.', DEVICE);
const pathsActive = gauge(
  'node_dmmultipath_device_paths_active',
  'Paths whose device is running (SCSI) or live (NVMe).',
  DEVICE,
);
const pathsFailed = gauge('node_dmmultipath_device_paths_failed', 'Paths whose device is in another state.', DEVICE);
const pathState = gauge('node_dmmultipath_path_state', 'Always 1; the state of the device of a path.', [
  'device',
  'path',
  'state',
]);

/** States of SCSI and NVMe devices that accept requests. */
const WORKING = new Set(['running', 'live']);

/** Devices with several paths. */
export const dmmultipath = defineCollector({
  name: 'dmmultipath',
  enabled: true,
  summary: 'Device mapper multipath devices and their paths, from `/sys/block/dm-*`.',
  options: NO_OPTIONS,
  whenEmpty: 'no multipath devices found',
  families: [info, active, size, paths, pathsActive, pathsFailed, pathState],
  create({ host }) {
    const folder = host.sys('block');
    return (out) => {
      const names = host.list(folder).filter((name) => name.startsWith('dm-'));
      for (const name of names) out.attempt(name, () => addDevice(out, host, name, folder));
    };
  },
});

function addDevice(out: Snapshot, host: Host, name: string, folder: string): void {
  const attribute = (file: string) => host.attribute(`${folder}/${name}/${file}`);
  const uuid = attribute('dm/uuid');
  const device = attribute('dm/name');
  if (device === undefined || !uuid?.startsWith('mpath-')) return;
  const labels = [device, name];
  out.add(info, 1, ...labels, uuid);
  const suspended = attribute('dm/suspended');
  if (suspended !== undefined) out.add(active, suspended === '0' ? 1 : 0, ...labels);
  const sectors = countAttribute(host, `${folder}/${name}/size`);
  if (sectors !== undefined) out.add(size, sectors * 512, ...labels);
  const slaves = host.listIfExists(`${folder}/${name}/slaves`);
  const states = slaves.map((slave) => [slave, host.attribute(`${folder}/${slave}/device/state`)] as const);
  const working = states.filter(([, state]) => state !== undefined && WORKING.has(state)).length;
  out.add(paths, slaves.length, ...labels);
  out.add(pathsActive, working, ...labels);
  out.add(pathsFailed, slaves.length - working, ...labels);
  for (const [slave, state] of states) if (state !== undefined) out.add(pathState, 1, device, slave, state);
}
