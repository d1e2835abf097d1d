// The sockets of a network: /proc/<pid>/net/{tcp,tcp6,udp,udp6}, proc_pid_net(5); numbers are hexadecimal.
import type { Host } from '../../host/host.ts';
import { eachRecord, type Losses } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { parseSocketLine } from '../../host/socket-files.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import type { CgroupRow } from './row.ts';
import { CGROUP_LABELS } from './series.ts';

/** The kinds of sockets that can be selected. */
export type SocketKind = 'tcp' | 'udp';

const tcp = (version: string) =>
  gauge(`container_network_tcp${version}_usage_total`, `TCP sockets (IPv${version || '4'}) by state.`, [
    ...CGROUP_LABELS,
    'tcp_state',
  ]);
const udp = (version: string) =>
  gauge(
    `container_network_udp${version}_usage_total`,
    `UDP sockets (IPv${version || '4'}), their dropped packets and queued bytes.`,
    [...CGROUP_LABELS, 'udp_state'],
  );

/**
 * By state as the kernel numbers it (include/net/tcp_states.h), from 01 on; later ones are internal states of a
 * listener.
 */
const TCP_STATES = [
  ...[
    'established',
    'synsent',
    'synrecv',
    'finwait1',
    'finwait2',
    'timewait',
    'close',
    'closewait',
    'lastack',
    'listen',
  ],
  'closing',
];

/** Counts by state, from the text of a file. */
type StateCounter = (path: string, text: string, lost: Losses) => ReadonlyMap<string, number>;

const FILES = {
  tcp: { family: tcp(''), label: 'tcp_state', kind: 'tcp' },
  tcp6: { family: tcp('6'), label: 'tcp_state', kind: 'tcp' },
  udp: { family: udp(''), label: 'udp_state', kind: 'udp' },
  udp6: { family: udp('6'), label: 'udp_state', kind: 'udp' },
} as const;

/** Families by kind of socket. */
export const connectionFamilies = Object.values(FILES).map(({ family }) => family);

/** Adds the sockets of the network that is seen in `folder`, to its row; a kernel without IPv6 lacks two of the files. */
export function addConnections(
  out: Snapshot,
  host: Host,
  row: CgroupRow,
  folder: string,
  kinds: ReadonlySet<SocketKind>,
): void {
  for (const [file, { family, label, kind }] of Object.entries(FILES)) {
    if (!kinds.has(kind)) continue;
    out.attempt(`${row.cgroup.id}: ${file}`, () => {
      const path = `${folder}/${file}`;
      const text = host.readIfExists(path);
      if (text === undefined) return;
      const counts = COUNTS[kind](path, text, out);
      for (const [state, value] of counts) row.addOne(out, { family, tail: `,${label}="${state}"}`, value });
    });
  }
}

/** Counts TCP sockets by state; states without sockets are 0. */
export const countTcp: StateCounter = (path, text, lost) => {
  const counts = new Map(TCP_STATES.map((state) => [state, 0]));
  eachRecord(lost, path, text, (line) => {
    const socket = parseSocketLine(line);
    if (socket === undefined) return;
    const state = TCP_STATES[socket.state - 1];
    if (state === undefined) throw new Error(`expected a state from 01 to 0B, found ${socket.columns[3]}`);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  });
  return counts;
};

/** Counts UDP sockets, dropped packets and queued bytes. */
export const countUdp: StateCounter = (path, text, lost) => {
  const counts = { listen: 0, dropped: 0, rxqueued: 0, txqueued: 0 };
  eachRecord(lost, path, text, (line) => {
    const socket = parseSocketLine(line);
    if (socket === undefined) return;
    const dropped = count(socket.columns[12]);
    counts.listen++;
    counts.dropped += dropped;
    counts.rxqueued += socket.receiveQueue;
    counts.txqueued += socket.sendQueue;
  });
  return new Map(Object.entries(counts));
};

const COUNTS: Readonly<Record<SocketKind, StateCounter>> = { tcp: countTcp, udp: countUdp };
