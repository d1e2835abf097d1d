// Counters of network devices: rtnetlink(7), or /proc/net/dev, proc_pid_net(5), where netlink would report a network
// namespace other than the host's. Present on every host.

import * as z from 'zod';
import { zip } from '../../base/zip.ts';
import { pattern } from '../../config/units.ts';
import { countAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { addressText, scopeOf } from '../../host/ip-address.ts';
import { NET_DEVICE_COUNTERS, parseNetDev } from '../../host/net-dev.ts';
import { netPath } from '../../host/net-files.ts';
import { Netlink } from '../../host/netlink-socket.ts';
import { ADDRESSES, decodeAddress, decodeLink, LINKS, linkNames } from '../../host/rtnetlink.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';
import { nameFilter } from './name-filter.ts';
import { fileFamilies, type NetworkCounter, netlinkCounters } from './netdev-families.ts';

const addressInfo = gauge('node_network_address_info', 'Always 1; an address of the device.', [
  'device',
  'address',
  'netmask',
  'scope',
]);

const options = z.strictObject({
  deviceInclude: pattern().optional().describe('Include only devices whose name matches.'),
  deviceExclude: pattern().optional().describe('Exclude devices whose name matches.'),
  netlink: z.boolean().default(true).describe('Use netlink; otherwise read `/proc/net/dev`.'),
  enableDetailedMetrics: z
    .boolean()
    .default(false)
    .describe('Export every kernel counter separately, under detailed names.'),
  addressInfo: z.boolean().default(false).describe("Export the devices' addresses; needs netlink."),
  labelIfalias: z.boolean().default(false).describe('Add the label `ifalias`.'),
});

/** Traffic and errors of network devices. */
export const netdev = defineCollector({
  name: 'netdev',
  enabled: true,
  summary:
    'Traffic and errors of network devices, over netlink; from `/proc/net/dev` and `/sys/class/net` ' +
    "where the agent is not in the host's network namespace. With `enableDetailedMetrics` the kernel's own 24 counters " +
    'replace the sums, as `node_network_<counter>_total`.',
  options,
  whenEmpty: 'no matching network devices found',
  families: [...netlinkCounters(false, ['device']).map(({ family }) => family), addressInfo],
  create({ host }, { deviceInclude, deviceExclude, enableDetailedMetrics, labelIfalias, ...wants }) {
    const isWanted = nameFilter('netdev', { include: deviceInclude, exclude: deviceExclude });
    const labels = labelIfalias ? ['device', 'ifalias'] : ['device'];
    const counters = netlinkCounters(enableDetailedMetrics, labels);
    const columns = fileFamilies(enableDetailedMetrics, labels);
    const nohandler = wants.netlink
      ? counters.find(({ family }) => family.name === 'node_network_receive_nohandler_total')?.family
      : undefined;
    const path = netPath(host, 'dev');
    const netlink = new Netlink(host);
    const labelsOf = (out: Snapshot, device: string) =>
      labelIfalias ? [device, out.attempt(device, () => ifalias(host, device)) ?? ''] : [device];
    return (out) => {
      if (wants.addressInfo) out.attempt('addresses', () => addAddresses(out, netlink));
      if (wants.netlink && netlink.usable) {
        netlink.dump(LINKS, (payload) => {
          const { name, statistics } = decodeLink(payload);
          if (isWanted(name)) addCounters(out, counters, statistics, labelsOf(out, name));
        });
        return;
      }
      for (const device of parseNetDev(out, path, host.read(path), isWanted)) {
        const deviceLabels = labelsOf(out, device.name);
        for (const [field, family] of zip(NET_DEVICE_COUNTERS, columns))
          out.add(family, device[field], ...deviceLabels);
        // The one counter missing in the file; the host's sysfs has it for the host's devices.
        const unhandled =
          nohandler && countAttribute(host, host.sys('class/net', device.name, 'statistics/rx_nohandler'));
        if (nohandler && unhandled !== undefined) out.add(nohandler, unhandled, ...deviceLabels);
      }
    };
  },
});

const ifalias = (host: Host, device: string): string => host.attribute(host.sys('class/net', device, 'ifalias')) ?? '';

function addCounters(
  out: Snapshot,
  counters: readonly NetworkCounter[],
  statistics: BigUint64Array,
  labels: string[],
): void {
  for (const { family, fields } of counters) {
    let sum = 0n;
    for (const field of fields) sum += statistics[field] ?? 0n;
    out.add(family, Number(BigInt.asUintN(64, sum)), ...labels);
  }
}

function addAddresses(out: Snapshot, netlink: Netlink): void {
  const names = linkNames(netlink);
  netlink.dump(ADDRESSES, (payload) => {
    const address = decodeAddress(payload);
    if (address === undefined) return;
    const { link, bytes, prefixLength } = address;
    const device = names.get(link);
    if (device !== undefined) out.add(addressInfo, 1, device, addressText(bytes), String(prefixLength), scopeOf(bytes));
  });
}
