// The identity of this machine: SMBIOS tables, os-release(5), machine-id(5), disks and network devices in sysfs. For
// inventories that track changes; all of this is also in other node_* families.
import { arch } from 'node:os';
import { countAttribute, readableAttribute } from '../../host/attributes.ts';
import { parseCpuinfo } from '../../host/cpuinfo.ts';
import type { Host } from '../../host/host.ts';
import { readOsRelease } from '../../host/os-release.ts';
import { textOrLost } from '../../host/records.ts';
import { counter, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const info = gauge('firesteel_inventory_info', 'Always 1; identity of the machine. Unknown values are empty labels.', [
  ...['machine_id', 'system_uuid', 'boot_id', 'product', 'cpu_model', 'arch', 'kernel', 'os', 'virtualization'],
]);
const disks = gauge('firesteel_inventory_disks_bytes', 'Size of a disk.', ['device', 'model', 'serial']);
const interfaces = gauge('firesteel_inventory_interfaces_info', 'Always 1; a network device with hardware behind it.', [
  ...['device', 'mac', 'speed'],
]);
const changes = counter('firesteel_inventory_changes_total', 'Changes to any of these since the agent started.');

/** Kinds of virtual machines by the words in their firmware; the names are those of systemd-detect-virt. */
const MACHINES: readonly (readonly [words: RegExp, name: string])[] = [
  [/amazon ec2/i, 'amazon'],
  [/google/i, 'google'],
  [/vmware/i, 'vmware'],
  [/virtualbox|innotek/i, 'oracle'],
  [/microsoft corporation virtual machine/i, 'microsoft'],
  [/parallels/i, 'parallels'],
  [/\bbhyve\b/i, 'bhyve'],
  [/\bxen\b/i, 'xen'],
  [/\bkvm\b|kubevirt|openstack/i, 'kvm'],
  [/\bqemu\b|bochs/i, 'qemu'],
];

/** The sector size of sysfs, whatever that of the disk. */
const SECTOR_BYTES = 512;
/** Block devices that are not disks: loop devices, memory, and devices built from other devices. */
const NO_DISK = /^(?:loop|ram|zram|dm-|md|sr|fd)\d/;

/** Machine, disks and network devices as one inventory. */
export const inventory = defineCollector({
  name: 'inventory',
  enabled: false,
  summary:
    'Inventory of the machine: identifiers, product, CPU, operating system, kind of virtualization, disks and network ' +
    'devices, and how often any of these have changed.',
  options: NO_OPTIONS,
  families: [info, disks, interfaces, changes],
  create({ host }) {
    let before: string | undefined;
    let changed = 0;
    return (out) => {
      const machine = machineOf(out, host);
      out.add(info, 1, ...machine);
      const hardware = [...addDisks(out, host), ...addInterfaces(out, host)];
      const now = JSON.stringify([machine, hardware]);
      // A temporary read failure does not count as a change.
      if (out.errors.length === 0) {
        if (before !== undefined && before !== now) changed++;
        before = now;
      }
      out.add(changes, changed);
    };
  },
});

const CPU_FIELDS = new Set(['model name', 'flags']);

/** The labels of {@link info}. */
function machineOf(out: Snapshot, host: Host): string[] {
  const text = (path: string) => out.attempt(path, () => readableAttribute(host, path)) ?? '';
  const firmware = (file: string) => text(host.sys('class/dmi/id', file));
  const product = firmware('product_name');
  const cpuinfo = host.proc('cpuinfo');
  const cpuText = textOrLost(out, host, cpuinfo);
  const cpu = cpuText === undefined ? undefined : parseCpuinfo(out, cpuinfo, cpuText, CPU_FIELDS)[0];
  const flags = cpu?.get('flags')?.split(' ') ?? [];
  return [
    text(host.root('/etc/machine-id')),
    firmware('product_uuid').toLowerCase(),
    text(host.proc('sys/kernel/random/boot_id')),
    product,
    cpu?.get('model name') ?? '',
    arch(),
    text(host.proc('sys/kernel/osrelease')),
    readOsRelease(out, host)?.variables.get('PRETTY_NAME') ?? '',
    virtualization(`${firmware('sys_vendor')} ${product}`, flags.includes('hypervisor')),
  ];
}

/** `none` on hardware; `vm-other` if only the CPU reports a hypervisor. */
export function virtualization(firmware: string, hasHypervisor: boolean): string {
  const known = MACHINES.find(([words]) => words.test(firmware))?.[1];
  return known ?? (hasHypervisor ? 'vm-other' : 'none');
}

function addDisks(out: Snapshot, host: Host): string[] {
  const folder = host.sys('block');
  const found: string[] = [];
  for (const device of host.listIfExists(folder)) {
    if (NO_DISK.test(device)) continue;
    out.attempt(device, () => {
      const sectors = countAttribute(host, `${folder}/${device}/size`);
      if (sectors === undefined || sectors === 0) return;
      const labels = [
        device,
        ...['model', 'serial'].map((file) => readableAttribute(host, `${folder}/${device}/device/${file}`)),
      ];
      out.add(disks, sectors * SECTOR_BYTES, ...labels.map((label) => label ?? ''));
      found.push([...labels, sectors].join());
    });
  }
  return found;
}

function addInterfaces(out: Snapshot, host: Host): string[] {
  const folder = host.sys('class/net');
  const found: string[] = [];
  for (const device of host.listIfExists(folder)) {
    // Bridges, tunnels and the host ends of pod interfaces have no hardware.
    if (!host.exists(`${folder}/${device}/device`)) continue;
    out.attempt(device, () => {
      const mac = readableAttribute(host, `${folder}/${device}/address`) ?? '';
      const speed = readableAttribute(host, `${folder}/${device}/speed`) ?? '';
      out.add(interfaces, 1, device, mac, speed === '-1' ? '' : speed);
      found.push([device, mac].join());
    });
  }
  return found;
}
