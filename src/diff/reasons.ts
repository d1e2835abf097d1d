import type { Round } from './compare.ts';
import type { Replaced } from './known.ts';
import { labelOf, type Reading } from './reading.ts';

/** The side of a difference; `value` if both have the series. */
type Side = 'theirs' | 'ours' | 'value';

/** Why a difference is expected; undefined for an unexplained one. For a whole metric, `series` ends with `{}`. */
export type ReasonOf = (series: string, side: Side) => string | undefined;

/** The setting that enables a series that only the other program has; undefined if it is not disabled here. */
export type OffByDefault = (series: string) => string | undefined;

/**
 * The possible explanations of a difference: known for the program, disabled here, excluded there, or a moving value.
 */
export function reasonsFor({ known }: Replaced, off: OffByDefault, rounds: readonly Round[]): ReasonOf {
  const groups = movedGroups(rounds);
  const leftOut = leftOutThere(rounds);
  return (series, side) => {
    const reason = known.find((one) => one.series.test(series))?.reason;
    if (reason !== undefined) return reason;
    const setting = off(series);
    if (side === 'theirs' && setting !== undefined) return `off by default in Firesteel: ${setting}`;
    if (groups.has(labelOf(series, 'groupname') ?? '')) return 'its processes started or ended meanwhile';
    if (side === 'theirs' && IO_OF.test(series) && isZeroThere(rounds, series)) {
      return '/proc/PID/io is not readable: a lost unit in Firesteel, 0 in process-exporter';
    }
    return side === 'ours' ? leftOut(series) : undefined;
  };
}

const IO_OF = /^namedprocess_namegroup_(?:read|write)_bytes_total\{/;

const isZeroThere = (rounds: readonly Round[], series: string): boolean =>
  rounds.every(({ before, after }) => [before, after].every(({ samples }) => (samples.get(series) ?? 0) === 0));

const GROUP_OF = /^namedprocess_namegroup_(?:num_procs|oldest_start_time_seconds)\{/;

/**
 * Process groups whose processes changed between any two readings, and those without any: process-exporter
 * continues to expose a group that once existed.
 */
function movedGroups(rounds: readonly Round[]): ReadonlySet<string> {
  const moved = new Set<string>();
  const theirs = rounds.flatMap(({ before, after }) => [before, after]);
  for (const readings of [theirs, rounds.map(({ ours }) => ours)]) {
    const seen = new Map<string, number>();
    for (const { samples } of readings) {
      for (const [series, value] of samples) {
        if (!GROUP_OF.test(series)) continue;
        const group = labelOf(series, 'groupname') ?? '';
        // process-exporter reads the boot time again each time.
        const known = seen.get(series) ?? value;
        if (value === 0 || Math.abs(value - known) >= 1) moved.add(group);
        seen.set(series, value);
      }
    }
    for (const series of seen.keys()) {
      if (!readings.every(({ samples }) => samples.has(series))) moved.add(labelOf(series, 'groupname') ?? '');
    }
  }
  return moved;
}

/**
 * Data that node_exporter excludes with a flag: the families, the label that the flag applies to, and the setting here.
 */
const FILTERS = [
  { families: /^node_filesystem_/, label: 'mountpoint', setting: 'filesystem.mountPointsExclude' },
  { families: /^node_network_/, label: 'device', setting: 'netdev.deviceExclude' },
  { families: /^node_disk_/, label: 'device', setting: 'diskstats.deviceExclude' },
] as const;

/** The reason for an item, such as a mount point, for which they have no series at all: it is excluded there. */
function leftOutThere(rounds: readonly Round[]): (series: string) => string | undefined {
  const theirs: readonly Reading[] = rounds.map(({ before }) => before);
  const seen = FILTERS.map(({ families, label }) => {
    const series = theirs.flatMap(({ samples }) => [...samples.keys()].filter((one) => families.test(one)));
    return new Set(series.map((one) => labelOf(one, label)));
  });
  return (series) => {
    const index = FILTERS.findIndex(({ families }) => families.test(series));
    const filter = FILTERS[index];
    const value = filter && labelOf(series, filter.label);
    if (filter === undefined || value === undefined || seen[index]?.has(value) === true) return undefined;
    return `excluded by a filter of node_exporter on ${filter.label}; collectors.node.${filter.setting} excludes it in Firesteel`;
  };
}
