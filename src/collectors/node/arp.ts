// The ARP cache: rtnetlink(7), or /proc/net/arp, proc_pid_net(5), where netlink would report a network namespace other
// than the host's. Present on every host with IPv4.
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import type { Host } from '../../host/host.ts';
import { eachRecord, type Losses, words } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { Netlink } from '../../host/netlink-socket.ts';
import { decodeNeighbour, IPV4_NEIGHBOURS, linkNames } from '../../host/rtnetlink.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';
import { nameFilter } from './name-filter.ts';

const entries = gauge('node_arp_entries', 'Entries of the ARP cache.', ['device']);

/** Entries of broadcast and multicast addresses, which need no ARP and which the file does not show. */
const NUD_NOARP = 0x40;

const options = z.strictObject({
  deviceInclude: pattern().optional().describe('Include only devices whose name matches.'),
  deviceExclude: pattern().optional().describe('Exclude devices whose name matches.'),
  netlink: z.boolean().default(true).describe('Use netlink; otherwise read `/proc/net/arp`.'),
});

/** Size of the ARP cache. */
export const arp = defineCollector({
  name: 'arp',
  enabled: true,
  summary: 'Entries of the ARP cache by device, over netlink or from `/proc/net/arp`.',
  options,
  whenEmpty: 'the ARP cache has no entries for the selected devices',
  families: [entries],
  create({ host }, { deviceInclude, deviceExclude, netlink: wantsNetlink }) {
    const isWanted = nameFilter('arp', { include: deviceInclude, exclude: deviceExclude });
    const path = netPath(host, 'arp');
    const netlink = new Netlink(host);
    return (out) => {
      const counts = wantsNetlink && netlink.usable ? askArp(netlink) : readArp(host, path, out);
      for (const [device, count] of counts) if (isWanted(device)) out.add(entries, count, device);
    };
  },
});

type Counts = Map<string, number>;

const count = (counts: Counts, device: string) => counts.set(device, (counts.get(device) ?? 0) + 1);

function askArp(netlink: Netlink): Counts {
  const counts: Counts = new Map();
  const names = linkNames(netlink);
  netlink.dump(IPV4_NEIGHBOURS, (payload) => {
    const { link, state } = decodeNeighbour(payload);
    const device = names.get(link);
    if (device !== undefined && !(state & NUD_NOARP)) count(counts, device);
  });
  return counts;
}

/** A header line, then one entry per line, with the device in the last column. */
function readArp(host: Host, path: string, lost: Losses): Counts {
  const counts: Counts = new Map();
  eachRecord(lost, path, host.read(path), (line) => {
    if (/^IP address\b/.test(line)) return;
    const columns = words(line);
    if (columns.length < 6) throw new Error(`expected 6 columns, found ${columns.length}`);
    count(counts, columns.at(-1) ?? '');
  });
  return counts;
}
