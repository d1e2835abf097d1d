import type { Family } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { COUNTER } from './counters.ts';
import { EXTRA, F } from './families.ts';
import { type ProcessGroup, STATES } from './group.ts';

/** Conversion of the kernel's units into seconds and bytes. */
export interface Units {
  readonly ticksPerSecond: number;
  readonly pageBytes: number;
  /** Seconds since 1970, NaN until known; read once, since the kernel moves it whenever the clock is set. */
  bootTime: number;
}

type ValueOf = (group: ProcessGroup, units: Units, nowSeconds: number) => number;

/** A family, its labels besides the group's, and the value; NaN omits the series. */
type Series = readonly [family: Family, labels: Readonly<Record<string, string>>, value: ValueOf];

const memory = (memtype: string, value: ValueOf): Series => [F.memory, { memtype }, value];

/** process-exporter has whole seconds. */
const startTime = (ticks: number, { bootTime, ticksPerSecond }: Units): number =>
  Math.floor(bootTime + ticks / ticksPerSecond);

/** A sum over the processes that could be read: 0 if there are no processes. */
const sum = (group: ProcessGroup, value: number): number => (group.processes === 0 ? 0 : value);

/** The series of every group, in the order in which they are sent. */
const SERIES: readonly Series[] = [
  [F.processes, {}, (group) => group.processes],
  [F.cpu, { mode: 'user' }, ({ totals }, units) => totals.get(COUNTER.userTicks) / units.ticksPerSecond],
  [F.cpu, { mode: 'system' }, ({ totals }, units) => totals.get(COUNTER.systemTicks) / units.ticksPerSecond],
  [F.readBytes, {}, ({ totals }) => totals.get(COUNTER.readBytes)],
  [F.writeBytes, {}, ({ totals }) => totals.get(COUNTER.writeBytes)],
  [F.majorFaults, {}, ({ totals }) => totals.get(COUNTER.majorFaults)],
  [F.minorFaults, {}, ({ totals }) => totals.get(COUNTER.minorFaults)],
  [F.switches, { ctxswitchtype: 'voluntary' }, ({ totals }) => totals.get(COUNTER.voluntarySwitches)],
  [F.switches, { ctxswitchtype: 'nonvoluntary' }, ({ totals }) => totals.get(COUNTER.nonvoluntarySwitches)],
  memory('resident', (group, units) => group.residentPages * units.pageBytes),
  memory('virtual', (group) => group.virtualBytes),
  memory('swapped', (group) => sum(group, group.swappedBytes)),
  memory('proportionalResident', (group) => (group.withoutPss > 0 ? Number.NaN : group.pssBytes)),
  memory('proportionalSwapped', (group) => (group.withoutPss > 0 ? Number.NaN : group.swapPssBytes)),
  [F.openFiles, {}, (group) => sum(group, group.openFiles)],
  [F.worstFdRatio, {}, (group) => sum(group, group.worstFdRatio)],
  [EXTRA.fdLimit, {}, (group) => group.openFilesLimit],
  [F.oldestStart, {}, (group, units) => startTime(group.oldestStartTicks, units)],
  [EXTRA.youngestStart, {}, (group, units) => startTime(group.youngestStartTicks, units)],
  [EXTRA.uptime, {}, (group, units, now) => Math.max(0, now - startTime(group.oldestStartTicks, units))],
  [F.threads, {}, (group) => group.threads],
  ...STATES.map((state, index): Series => [F.states, { state }, ({ states }) => states[index] ?? 0]),
];

/** Adds all series of a group. Their keys are built once: formatting the labels is most of the work. */
export function addGroup(out: Snapshot, group: ProcessGroup, units: Units, nowSeconds: number): void {
  group.keys ??= SERIES.map(([family, labels]) => group.key(family, labels));
  for (const [index, [family, , value]] of SERIES.entries()) {
    const now = value(group, units, nowSeconds);
    if (!Number.isNaN(now)) out.addSeries(family, group.keys[index] as string, now);
  }
  for (const [wchan, threads] of group.wchans) out.addSeries(F.wchan, group.key(F.wchan, { wchan }), threads);
  group.threadNames.addTo(out, units.ticksPerSecond);
}
