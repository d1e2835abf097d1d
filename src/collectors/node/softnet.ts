// /proc/net/softnet_stat: softnet_seq_show() of net/core/net-procfs.c. Present on every Linux host; the counts are
// those of the CPUs, the same in every network namespace.
import { eachRecord, words } from '../../host/lines.ts';
import { hexadecimal } from '../../host/numbers.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

/** Families by column; older kernels print fewer columns. */
const COLUMNS: readonly (readonly [column: number, family: Family])[] = [
  [0, counter('node_softnet_processed_total', 'Packets processed.', ['cpu'])],
  [1, counter('node_softnet_dropped_total', 'Packets dropped because the backlog was full.', ['cpu'])],
  [
    2,
    counter(
      'node_softnet_times_squeezed_total',
      'Processing rounds that ran out of budget or time with packets pending.',
      ['cpu'],
    ),
  ],
  [8, counter('node_softnet_cpu_collision_total', 'Collisions on the transmit lock.', ['cpu'])],
  [
    9,
    counter('node_softnet_received_rps_total', 'Number of times this CPU was woken by another to process packets.', [
      'cpu',
    ]),
  ],
  [10, counter('node_softnet_flow_limit_count_total', 'Packets dropped by the flow limit.', ['cpu'])],
  [11, gauge('node_softnet_backlog_len', 'Packets in the backlog.', ['cpu'])],
];

/** The kernel has printed at least these columns since 2.6.36; with 13 or more, they include the CPU. */
const MIN_COLUMNS = 9;
const CPU_COLUMN = 12;

/** Packets by CPU. */
export const softnet = defineCollector({
  name: 'softnet',
  enabled: true,
  summary: 'Packets that each CPU processed and dropped, from `/proc/net/softnet_stat`.',
  options: NO_OPTIONS,
  families: COLUMNS.map(([, family]) => family),
  create({ host }) {
    const path = host.proc('net/softnet_stat');
    return (out) => {
      eachRecord(out, path, host.read(path), (line, number) => {
        const columns = words(line);
        if (columns.length < MIN_COLUMNS) throw new Error(`expected ${MIN_COLUMNS} columns, found ${columns.length}`);
        const cpuColumn = columns[CPU_COLUMN];
        const cpu = String(cpuColumn === undefined ? number - 1 : hexadecimal(cpuColumn));
        const values = columns.map(hexadecimal);
        for (const [column, family] of COLUMNS) {
          const value = values[column];
          if (value !== undefined) out.add(family, value, cpu);
        }
      });
    };
  },
});
