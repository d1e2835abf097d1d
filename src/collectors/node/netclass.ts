// /sys/class/net/<device>: Documentation/ABI/testing/sysfs-class-net of the kernel. Present on every host; alternative
// names come over rtnetlink(7).

import * as z from 'zod';
import { Turns } from '../../base/turns.ts';
import type { Matching } from '../../config/re2/pattern.ts';
import { pattern } from '../../config/units.ts';
import { parsedAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { Netlink } from '../../host/netlink-socket.ts';
import { hexadecimal, integer } from '../../host/numbers.ts';
import { decodeLink, LINKS } from '../../host/rtnetlink.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';

const DEVICE = ['device'];
const property = (name: string, meaning: string): Family => gauge(`node_network_${name}`, `${meaning}.`, DEVICE);
const changes = (name: string, meaning: string): Family => counter(`node_network_${name}_total`, `${meaning}.`, DEVICE);

/** Files with one number, of which drivers may lack some. */
const numbers: readonly (readonly [file: string, family: Family])[] = [
  [
    'addr_assign_type',
    property(
      'address_assign_type',
      'How the address was assigned (`NET_ADDR_*`): 0 permanent, 1 random, 2 stolen from another device, 3 set',
    ),
  ],
  ['carrier', property('carrier', 'Whether the link has a carrier')],
  ['carrier_changes', changes('carrier_changes', 'Number of times the carrier came up or went down')],
  ['carrier_up_count', changes('carrier_up_changes', 'Number of times the carrier came up')],
  ['carrier_down_count', changes('carrier_down_changes', 'Number of times the carrier went down')],
  ['dev_id', property('device_id', 'Device ID, which distinguishes devices that share a MAC address')],
  [
    'dormant',
    property(
      'dormant',
      'Whether the device is dormant: up, but unusable until an external event such as 802.1X authentication',
    ),
  ],
  ['ifindex', property('iface_id', 'Index of the device')],
  [
    'iflink',
    property(
      'iface_link',
      'Index of the device that this one is stacked on or linked to, such as the parent of a VLAN; otherwise its own',
    ),
  ],
  ['link_mode', property('iface_link_mode', 'Link mode (`IF_LINK_MODE_*`)')],
  ['mtu', property('mtu_bytes', 'Maximum transmission unit (MTU)')],
  [
    'name_assign_type',
    property(
      'name_assign_type',
      'How the name was assigned (`NET_NAME_*`): 1 enumerated by the kernel, 2 predictable, 3 set by user space, 4 renamed',
    ),
  ],
  ['netdev_group', property('net_dev_group', 'Group number of the device')],
  ['tx_queue_len', property('transmit_queue_length', 'Maximum length of the transmit queue, in packets')],
  ['type', property('protocol_type', 'Hardware type (`ARPHRD_*`)')],
];
const flagsFamily = property('flags', 'Flags (`IFF_*`)');
const speedFamily = property('speed_bytes', 'Link speed in bytes per second');
const upFamily = property('up', 'Whether the operational state is up');
const info = gauge('node_network_info', 'Always 1; device information as labels.', [
  'device',
  'address',
  'broadcast',
  'duplex',
  'operstate',
  'adminstate',
  'ifalias',
]);
const altnames = gauge('node_network_altnames_info', 'Always 1; another name of the device.', ['device', 'altname']);

const IFF_UP = 1;
const BYTES_PER_MEGABIT = 125_000;

const options = z.strictObject({
  ignoredDevices: pattern().prefault('^$').describe('Exclude devices whose name matches.'),
  ignoreInvalidSpeed: z.boolean().default(false).describe('Omit the speed of devices that report -1 (unknown).'),
  netlink: z.boolean().default(false).describe('Also export alternative names, over netlink.'),
});

/** State and settings of network devices. */
export const netclass = defineCollector({
  name: 'netclass',
  enabled: true,
  summary: 'State and settings of network devices, from `/sys/class/net`.',
  options,
  whenEmpty: 'no matching network devices found',
  families: [...numbers.map(([, family]) => family), flagsFamily, speedFamily, upFamily, info, altnames],
  create({ host }, { ignoredDevices, ignoreInvalidSpeed, netlink: wantsNetlink }) {
    const folder = host.sys('class/net');
    const netlink = new Netlink(host);
    return async (out, signal) => {
      const devices = host.list(folder).filter((device) => !ignoredDevices.test(device));
      const turns = new Turns(signal);
      for (const device of devices) {
        // Twenty files per device, and a node may have hundreds of devices.
        if (turns.isOver) await turns.next();
        out.attempt(device, () => addDevice(out, host, folder, device, ignoreInvalidSpeed));
      }
      if (wantsNetlink) out.attempt('alternative names', () => addAlternativeNames(out, netlink, ignoredDevices));
    };
  },
});

function addDevice(out: Snapshot, host: Host, folder: string, device: string, ignoreInvalidSpeed: boolean): void {
  const word = (file: string) => {
    const path = `${folder}/${device}/${file}`;
    return out.attempt(path, () => host.attribute(path));
  };
  const number = (file: string) => {
    const path = `${folder}/${device}/${file}`;
    return out.attempt(path, () => numeric(host, path));
  };
  const operstate = word('operstate');
  const flags = number('flags');
  // Not a device: one that was just removed, or bonding_masters, which is a file among the folders.
  if (operstate === undefined && flags === undefined) return;
  const values = numbers.map(([file, family]) => [family, number(file)] as const);
  const speed = number('speed');

  out.add(upFamily, operstate === 'up' ? 1 : 0, device);
  const words = [word('address'), word('broadcast'), word('duplex'), operstate, adminState(flags), word('ifalias')];
  out.add(info, 1, device, ...words.map((text) => text ?? ''));
  for (const [family, value] of values) if (value !== undefined) out.add(family, value, device);
  if (flags !== undefined) out.add(flagsFamily, flags, device);
  if (speed !== undefined && !(speed < 0 && ignoreInvalidSpeed))
    out.add(speedFamily, speed * BYTES_PER_MEGABIT, device);
}

function adminState(flags: number | undefined): string {
  if (flags === undefined) return 'unknown';
  return flags & IFF_UP ? 'up' : 'down';
}

/** A file with one number, hexadecimal when it begins with `0x`; undefined if the driver has none. */
const numeric = (host: Host, path: string): number | undefined =>
  parsedAttribute(host, path, (text) => (text.startsWith('0x') ? hexadecimal(text) : integer(text)));

function addAlternativeNames(out: Snapshot, netlink: Netlink, ignored: Matching): void {
  netlink.dump(LINKS, (payload) => {
    const { name, alternativeNames } = decodeLink(payload);
    if (ignored.test(name)) return;
    for (const alternative of alternativeNames) out.add(altnames, 1, name, alternative);
  });
}
