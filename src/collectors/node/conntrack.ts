// /proc/sys/net/netfilter and /proc/net/stat/nf_conntrack: Documentation/networking/nf_conntrack-sysctl.rst of the
// kernel and net/netfilter/nf_conntrack_standalone.c. Absent where the module nf_conntrack is not loaded.
import { countAttribute, integerAttribute } from '../../host/attributes.ts';
import { MissingFile } from '../../host/errors.ts';
import { eachLine, filled, words } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { NotANumber } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const entries = gauge('node_nf_conntrack_entries', 'Connections tracked.');
const limit = gauge('node_nf_conntrack_entries_limit', 'Maximum number of tracked connections.');

/** Columns of the file, counted from 0; gauges upstream, although they are counters. */
const columns = [
  [2, gauge('node_nf_conntrack_stat_found', 'Lookups that found an entry.')],
  [4, gauge('node_nf_conntrack_stat_invalid', 'Packets that cannot be tracked.')],
  [5, gauge('node_nf_conntrack_stat_ignore', 'Packets of connections that were already tracked.')],
  [8, gauge('node_nf_conntrack_stat_insert', 'Entries inserted.')],
  [9, gauge('node_nf_conntrack_stat_insert_failed', 'Entries that could not be inserted.')],
  [10, gauge('node_nf_conntrack_stat_drop', 'Packets dropped because tracking failed.')],
  [11, gauge('node_nf_conntrack_stat_early_drop', 'Entries dropped to make room.')],
  [16, gauge('node_nf_conntrack_stat_search_restart', 'Lookups restarted because the table was resized.')],
] as const;

/** Connection tracking. */
export const conntrack = defineCollector({
  name: 'conntrack',
  enabled: true,
  summary:
    'Connection tracking, from `/proc/sys/net/netfilter/nf_conntrack_{count,max}` and `/proc/net/stat/nf_conntrack`.',
  options: NO_OPTIONS,
  families: [entries, limit, ...columns.map(([, family]) => family)],
  create({ host }) {
    const countPath = host.proc('sys/net/netfilter/nf_conntrack_count');
    const limitPath = host.proc('sys/net/netfilter/nf_conntrack_max');
    const statPath = netPath(host, 'stat/nf_conntrack');
    // /proc/sys/net is always that of the reader's network namespace; the same count is in the other file.
    const countsElsewhere = statPath.startsWith(host.proc('1/'));
    return (out) => {
      if (![statPath, countPath, limitPath].some((path) => host.exists(path))) throw new MissingFile(countPath);
      // A sum that lacks a CPU would look like a counter reset: one bad line invalidates the whole file.
      const sums = out.attempt(statPath, () => {
        const text = host.readIfExists(statPath);
        return text === undefined ? undefined : sumColumns(statPath, filled(statPath, text));
      });
      const count =
        (countsElsewhere ? sums?.entries : undefined) ?? out.attempt(countPath, () => countAttribute(host, countPath));
      // Older kernels print a limit beyond 2^31 as a negative number.
      const most = out.attempt(limitPath, () => integerAttribute(host, limitPath));
      if (count !== undefined) out.add(entries, count);
      if (most !== undefined) out.add(limit, most);
      for (const [column, family] of columns) {
        const sum = sums?.columns[column];
        if (sum !== undefined) out.add(family, Number(sum));
      }
    };
  },
});

/** Sums over the CPUs. */
interface Sums {
  /** Every line has the count of the whole table. */
  readonly entries: number | undefined;
  readonly columns: readonly bigint[];
}

/** A line of names, then one line of hexadecimal counts per CPU; kernels before 2.6.36 have 16 columns. */
function sumColumns(path: string, text: string): Sums {
  const sums: bigint[] = [];
  let entriesColumn: number | undefined;
  eachLine(path, text, (line) => {
    if (/^entries\b/.test(line)) return;
    for (const [column, word] of words(line).entries()) {
      if (!/^[0-9a-f]{1,16}$/.test(word)) throw new NotANumber(word);
      sums[column] = BigInt.asUintN(64, (sums[column] ?? 0n) + BigInt(`0x${word}`));
      if (column === 0) entriesColumn = Number(`0x${word}`);
    }
  });
  return { entries: entriesColumn, columns: sums };
}
