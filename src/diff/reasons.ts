import type { Round } from './compare.ts';
import type { Replaced } from './known.ts';
import { labelOf, type Reading } from './reading.ts';

/** Which side a difference is on; `value` when both have the series. */
type Side = 'theirs' | 'ours' | 'value';

/** Why a difference is right as it is; undefined for one that nothing explains. Of a metric as a whole `series` ends with `{}`. */
export type ReasonOf = (series: string, side: Side) => string | undefined;

/** The setting that would bring a series that only the other program has; undefined when it is not off here. */
export type OffByDefault = (series: string) => string | undefined;

/** All that can explain a difference: what is known of the program, is off here, is left out there, or has moved. */
export function reasonsFor({ known }: Replaced, off: OffByDefault, rounds: readonly Round[]): ReasonOf {
  const groups = movedGroups(rounds);
  const leftOut = leftOutThere(rounds);
  return (series, side) => {
    const reason = known.find((one) => one.series.test(series))?.reason;
    if (reason !== undefined) return reason;
    const setting = off(series);
    if (side === 'theirs' && setting !== undefined) return `off by default here: ${setting}`;
    if (groups.has(labelOf(series, 'groupname') ?? '')) return 'its processes started or ended meanwhile';
    if (side === 'theirs' && IO_OF.test(series) && isZeroThere(rounds, series)) {
      return 'not readable (/proc/PID/io), which is a lost unit here and 0 there';
    }
    return side === 'ours' ? leftOut(series) : undefined;
  };
}

const IO_OF = /^namedprocess_namegroup_(?:read|write)_bytes_total\{/;

const isZeroThere = (rounds: readonly Round[], series: string): boolean =>
  rounds.every(({ before, after }) => [before, after].every(({ samples }) => (samples.get(series) ?? 0) === 0));

const GROUP_OF = /^namedprocess_namegroup_(?:num_procs|oldest_start_time_seconds)\{/;

/**
 * Groups of processes whose members changed between any two readings, and those that have none any more: process-exporter goes
 * on showing a group that was there once.
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

/** What node_exporter leaves out by a flag: the families, the label that the flag looks at, and the setting here. */
const FILTERS = [
  { families: /^node_filesystem_/, label: 'mountpoint', setting: 'filesystem.mountPointsExclude' },
  { families: /^node_network_/, label: 'device', setting: 'netdev.deviceExclude' },
  { families: /^node_disk_/, label: 'device', setting: 'diskstats.deviceExclude' },
] as const;

/** Of a thing, such as a mount point, of which they have no series at all, that it is left out there. */
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
    return `excluded there by ${filter.label}; collectors.node.${filter.setting} excludes it here`;
  };
}
