// Routes: ip-route(8), over rtnetlink(7). Absent without node:ffi, and where the agent is not in the host's network
// namespace.
import { Netlink } from '../../host/netlink-socket.ts';
import { decodeRoute, routeProtocol } from '../../host/route.ts';
import { linkNames, ROUTES } from '../../host/rtnetlink.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { labelBlock } from '../../metrics/text/format.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const info = gauge('node_network_route_info', 'Always 1; a unicast route or one of its next hops.', [
  'device',
  'src',
  'dest',
  'gw',
  'priority',
  'proto',
  'weight',
]);
const routes = gauge('node_network_routes', 'Unicast routes and next hops through the device.', ['device']);

/** Unicast routes of all tables. */
export const networkRoute = defineCollector({
  name: 'network_route',
  enabled: false,
  summary: 'Unicast routes of all tables, over netlink (needs `node:ffi` and hostNetwork).',
  options: NO_OPTIONS,
  whenEmpty: 'no unicast routes found',
  families: [info, routes],
  create({ host }) {
    const netlink = new Netlink(host);
    return (out) => addRoutes(out, linkNames(netlink), (take) => netlink.dump(ROUTES, take));
  },
});

/** Adds the samples of a dump of routes. `names` are those of devices, by index. */
export function addRoutes(
  out: Snapshot,
  names: ReadonlyMap<number, string>,
  dump: (take: (payload: Buffer) => void) => void,
): void {
  const counts = new Map<string, number>();
  // The labels do not include the table, so routes of two tables may look the same.
  const shown = new Set<string>();
  dump((payload) => {
    const { isUnicast, source, destination, priority, protocol, nextHops } = decodeRoute(payload);
    if (!isUnicast) return;
    for (const { link, gateway, weight } of nextHops) {
      const device = names.get(link) ?? '';
      counts.set(device, (counts.get(device) ?? 0) + 1);
      const proto = routeProtocol(protocol);
      const labels = [device, source, destination, gateway, String(priority), proto, String(weight ?? '')];
      const key = info.name + labelBlock(info.labels, labels);
      if (!shown.has(key)) out.addSeries(info, key, 1);
      shown.add(key);
    }
  });
  for (const [device, count] of counts) out.add(routes, count, device);
}
