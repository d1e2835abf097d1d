import { sleep } from './processes.ts';

/** Cost of a collector's cycles in milliseconds. */
export interface Cost {
  /** CPU time of all threads of this process, in cycles without monitoring. */
  readonly cpu: Spread;
  /** Longest block of the event loop in each of the other cycles, in wall time. */
  readonly blocked: Spread;
  /** The same as CPU time of the main thread, which does not grow on a shared machine. */
  readonly blockedCpu: Spread;
  /** The first cycle, in which everything is new and no code is compiled. */
  readonly first: { readonly cpu: number; readonly blocked: number; readonly blockedCpu: number };
}

/** Statistics of several values. */
export interface Spread {
  readonly median: number;
  readonly most: number;
}

/** Options of {@link measureCycles}. */
export interface Plan {
  readonly warmUp: number;
  readonly cycles: number;
  readonly pauseMs: number;
  /** Creates activity before each cycle; not measured. */
  readonly before?: () => void;
}

/** Runs `cycle` once, `warmUp` times, and 1.5 times `cycles`, a third of which is monitored for blocks. */
export async function measureCycles(
  cycle: () => Promise<unknown>,
  { warmUp, cycles, pauseMs, before = () => {} }: Plan,
): Promise<Cost> {
  const first = await watched(cycle);
  for (let count = 0; count < warmUp; count++) {
    before();
    await cycle();
    await sleep(pauseMs);
  }
  const plain: number[] = [];
  const blocks: Turn[] = [];
  for (let count = 0; count < cycles; count++) {
    before();
    plain.push(await cpuOf(cycle));
    await sleep(pauseMs);
    if (count % 2 === 1) continue;
    before();
    blocks.push(await watched(cycle));
    await sleep(pauseMs);
  }
  return {
    cpu: spreadOf(plain),
    blocked: spreadOf(blocks.map(({ blocked }) => blocked)),
    blockedCpu: spreadOf(blocks.map(({ blockedCpu }) => blockedCpu)),
    first,
  };
}

interface Turn {
  readonly cpu: number;
  readonly blocked: number;
  readonly blockedCpu: number;
}

/** Runs `work` while the event loop spins, which itself takes CPU time. */
async function watched(work: () => Promise<unknown>): Promise<Turn> {
  const over = new AbortController();
  let blocked = 0;
  let blockedCpu = 0;
  let at = performance.now();
  let cpuAt = process.threadCpuUsage();
  const turn = () => {
    const { user, system } = process.threadCpuUsage(cpuAt);
    blocked = Math.max(blocked, performance.now() - at);
    blockedCpu = Math.max(blockedCpu, (user + system) / 1000);
    at = performance.now();
    cpuAt = process.threadCpuUsage();
    if (!over.signal.aborted) setImmediate(turn);
  };
  setImmediate(turn);
  const cpu = await cpuOf(work);
  over.abort();
  turn();
  return { cpu, blocked, blockedCpu };
}

/** CPU time of this process, in milliseconds, while `work` runs. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  return { median: sorted[sorted.length >> 1] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN };
}

/** Two lines about a collector. */
export function costText({ cpu, blocked, blockedCpu, first }: Cost): string {
  const text = (value: number) => value.toFixed(1);
  return (
    `collector   ${text(cpu.median)} ms CPU in the median cycle, at most ${text(cpu.most)}; the first ${text(first.cpu)}\n` +
    `  blocked   ${text(blocked.median)} ms in the median cycle, at most ${text(blocked.most)}; the first ` +
    `${text(first.blocked)}; as CPU time ${text(blockedCpu.median)}, ${text(blockedCpu.most)}, ${text(first.blockedCpu)}`
  );
}
