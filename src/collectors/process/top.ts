import type { Family } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { COUNTER } from './counters.ts';
import { EXTRA } from './families.ts';
import type { Units } from './group-series.ts';
import type { Process } from './process.ts';

/**
 * The processes with the highest values in a fixed number of slots; a process that remains among them keeps its slot.
 */
class TopSlots {
  readonly #held: (Process | undefined)[];
  #best: { readonly process: Process; readonly value: number }[] = [];

  constructor(count: number) {
    this.#held = new Array<Process | undefined>(count).fill(undefined);
  }

  /** Takes a value into account for this cycle. */
  note(process: Process, value: number): void {
    const best = this.#best;
    const isFull = best.length === this.#held.length;
    if (!(value > 0) || (isFull && value <= (best.at(-1)?.value ?? 0))) return;
    if (isFull) best.pop();
    const at = best.findIndex((other) => other.value < value);
    best.splice(at === -1 ? best.length : at, 0, { process, value });
  }

  /** The processes of this cycle with their slots and values. */
  *take(): Generator<readonly [slot: number, process: Process, value: number]> {
    const best = new Map(this.#best.map(({ process, value }) => [process, value]));
    this.#best = [];
    for (const [slot, process] of this.#held.entries()) {
      if (process && !best.has(process)) this.#held[slot] = undefined;
    }
    for (const process of best.keys()) {
      if (!this.#held.includes(process)) this.#held[this.#held.indexOf(undefined)] = process;
    }
    for (const [slot, process] of this.#held.entries()) {
      if (process) yield [slot, process, best.get(process) ?? 0];
    }
  }
}

/** The processes that use most CPU time and most memory, under labels that do not grow with the pids of a host. */
export class Top {
  readonly #cpu: TopSlots;
  readonly #memory: TopSlots;
  #before: number | undefined;

  /** `count` is at least 1. */
  constructor(count: number) {
    this.#cpu = new TopSlots(count);
    this.#memory = new TopSlots(count);
  }

  /** Takes a process into account. */
  note(process: Process): void {
    const { now } = process.counters;
    const ticks = now[COUNTER.userTicks] + now[COUNTER.systemTicks];
    this.#cpu.note(process, ticks - process.ticksBefore);
    process.ticksBefore = ticks;
    this.#memory.note(process, process.residentPages);
  }

  /** Adds the series of this cycle, which is at `now`, in milliseconds. */
  addTo(out: Snapshot, now: number, { ticksPerSecond, pageBytes }: Units): void {
    const seconds = this.#before === undefined ? 0 : (now - this.#before) / 1000;
    this.#before = now;
    for (const [slot, process, ticks] of this.#cpu.take()) {
      if (seconds > 0) addSlot(out, 'cpu', EXTRA.topCpu, slot, process, ticks / ticksPerSecond / seconds);
    }
    for (const [slot, process, pages] of this.#memory.take()) {
      addSlot(out, 'memory', EXTRA.topMemory, slot, process, pages * pageBytes);
    }
  }
}

function addSlot(out: Snapshot, by: string, family: Family, slot: number, process: Process, value: number): void {
  const { group, pid } = process;
  if (!group) return;
  const labels = { slot: String(slot) };
  out.addSeries(family, group.key(family, labels), value);
  out.addSeries(EXTRA.topPid, group.key(EXTRA.topPid, { by, ...labels }), pid);
}
