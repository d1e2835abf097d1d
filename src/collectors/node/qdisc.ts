// Queueing disciplines of network devices: tc(8), over rtnetlink(7). Absent without node:ffi, and where the agent is
// not in the host's network namespace.
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { Netlink } from '../../host/netlink-socket.ts';
import { decodeQdisc } from '../../host/qdisc.ts';
import { linkNames, QDISCS } from '../../host/rtnetlink.ts';
import { counter, gauge } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';
import { nameFilter } from './name-filter.ts';

const LABELS = ['device', 'kind'];

const fields = [
  ['bytes', counter('node_qdisc_bytes_total', 'Bytes sent.', LABELS)],
  ['packets', counter('node_qdisc_packets_total', 'Packets sent.', LABELS)],
  ['drops', counter('node_qdisc_drops_total', 'Packets dropped.', LABELS)],
  ['requeues', counter('node_qdisc_requeues_total', 'Packets requeued after a failed transmission.', LABELS)],
  [
    'overlimits',
    counter('node_qdisc_overlimits_total', 'Number of times the limit of the discipline was exceeded.', LABELS),
  ],
  ['queueLength', gauge('node_qdisc_current_queue_length', 'Packets in the queue.', LABELS)],
  ['backlogBytes', gauge('node_qdisc_backlog', 'Bytes in the queue.', LABELS)],
] as const;

const options = z.strictObject({
  deviceInclude: pattern().optional().describe('Include only devices whose name matches.'),
  deviceExclude: pattern().optional().describe('Exclude devices whose name matches.'),
});

/** Queueing disciplines at the roots of network devices. */
export const qdisc = defineCollector({
  name: 'qdisc',
  enabled: false,
  summary: 'Counters of the root queueing disciplines, over netlink (needs `node:ffi` and hostNetwork).',
  options,
  whenEmpty: 'no matching queueing disciplines found',
  families: fields.map(([, family]) => family),
  create({ host }, { deviceInclude, deviceExclude }) {
    const isWanted = nameFilter('qdisc', { include: deviceInclude, exclude: deviceExclude });
    const netlink = new Netlink(host);
    return (out) => {
      const names = linkNames(netlink);
      netlink.dump(QDISCS, (payload) => {
        const discipline = decodeQdisc(payload);
        const device = names.get(discipline.link);
        if (!discipline.isRoot || device === undefined || !isWanted(device)) return;
        for (const [field, family] of fields) out.add(family, Number(discipline[field]), device, discipline.kind);
      });
    };
  },
});
