import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CollectorSpec } from '../../../src/collectors/collector.ts';
import { processCollector } from '../../../src/collectors/process/index.ts';
import { kernelUnits } from '../../../src/host/auxv.ts';
import type { HostPaths } from '../../../src/host/paths.ts';
import type { PodNames } from '../../../src/pods/pod-names.ts';
import { type Collected, collectorOn } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

/** Properties of a simulated process; everything has a default. */
export interface Fake {
  readonly comm?: string | Buffer;
  readonly argv?: readonly string[];
  readonly state?: string;
  readonly parent?: number;
  readonly flags?: number;
  readonly start?: number;
  readonly uid?: number;
  readonly user?: number;
  readonly system?: number;
  readonly minorFaults?: number;
  readonly majorFaults?: number;
  readonly threads?: number;
  readonly pages?: number;
  readonly virtual?: number;
  readonly swapKib?: number;
  readonly read?: number;
  readonly written?: bigint | number;
  readonly switches?: readonly [number, number];
  readonly files?: number;
  readonly fileSlots?: number;
  readonly filesLimit?: number | 'unlimited';
  readonly cgroup?: string;
  /** Absent, as with a kernel that does not count. */
  readonly schedstat?: string | undefined;
}

/** How long a run may take on a busy machine. */
export const PATIENCE_MS = 170_000;

export const BOOT_TIME = 1_700_000_000;

export const OWN_PAGE_BYTES = kernelUnits().pageBytes;

/** A proc tree whose processes start, change and exit. */
export class ProcTree {
  readonly paths: HostPaths;
  /** The time of the collector, in milliseconds since 1970. */
  now = (BOOT_TIME + 1000) * 1000;

  constructor(context: TestContext, files: Readonly<Record<string, string>> = {}) {
    this.paths = hostTree(context, { 'proc/stat': `cpu  1 2 3\nbtime ${BOOT_TIME}\n`, ...files });
  }

  /** Path of a file of procfs. */
  path(...name: readonly string[]): string {
    return join(this.paths.procfs, ...name);
  }

  /** Writes a file below the root, such as `proc/stat`. */
  write(path: string, text: string): void {
    writeFileSync(join(this.paths.rootfs, path), text);
  }

  /** Writes a process, or a thread below `<pid>/task`. A process without `comm` is named by its pid. */
  set(pid: number | string, fake: Fake = {}): void {
    const { comm = `p${pid}`, argv = [`/bin/${comm}`], uid = 0, filesLimit = 1024, files = 0 } = fake;
    mkdirSync(this.path(`${pid}`), { recursive: true });
    const write = (name: string, text: string | Buffer) => writeFileSync(this.path(`${pid}`, name), text);
    write('stat', statOf(`${pid}`, comm, fake));
    write('status', statusOf(uid, fake));
    write(
      'io',
      `rchar: 1\nread_bytes: ${fake.read ?? 0}\nwrite_bytes: ${fake.written ?? 0}\ncancelled_write_bytes: 0\n`,
    );
    write(
      'limits',
      `Limit  Soft Limit\nMax open files            ${filesLimit}  4096  files\nMax locked memory 1 2 bytes\n`,
    );
    write('cmdline', argv.map((word) => `${word}\0`).join(''));
    if (fake.schedstat !== undefined) write('schedstat', fake.schedstat);
    if (fake.cgroup !== undefined) write('cgroup', fake.cgroup);
    rmSync(this.path(`${pid}`, 'fd'), { recursive: true, force: true });
    mkdirSync(this.path(`${pid}`, 'fd'));
    for (let file = 0; file < files; file++)
      symlinkSync(`socket:[${pid}0${file}]`, this.path(`${pid}`, 'fd', `${file}`));
  }

  /** Ends a process. */
  remove(pid: number | string): void {
    rmSync(this.path(`${pid}`), { recursive: true });
  }

  /** The collector for this tree. */
  collector(options: object = {}, containers?: PodNames): () => Promise<Seen> {
    const spec = processCollector(containers) as unknown as CollectorSpec;
    const collect = collectorOn(spec, this.paths, options, () => this.now, PATIENCE_MS);
    return async () => new Seen(await collect());
  }
}

/** The result of a run, by series. */
export class Seen {
  readonly collected: Collected;
  readonly #values: ReadonlyMap<string, number>;

  constructor(collected: Collected) {
    this.collected = collected;
    const { keys, values } = collected.snapshot;
    this.#values = new Map(keys.map((key, index) => [key, values[index] as number]));
  }

  /** Messages of losses, without folders. */
  get losses(): string[] {
    return this.collected.result.errors.map(({ message }) => message.replaceAll(/\S*\/proc\//g, ''));
  }

  /** Value of `namedprocess_namegroup_<name>{groupname="<group>"<more>}`; undefined if it is absent. */
  of(group: string, name: string, more = ''): number | undefined {
    return this.#values.get(`namedprocess_namegroup_${name}{groupname="${group}"${more === '' ? '' : `,${more}`}}`);
  }

  /** Value of the series `namedprocess_<rest>`. */
  series(rest: string): number | undefined {
    return this.#values.get(`namedprocess_${rest}`);
  }

  /** Processes by group, of groups without pod. */
  get groups(): Record<string, number> {
    const counts = [...this.#values].flatMap(([series, value]) => {
      const group = /^namedprocess_namegroup_num_procs\{groupname="((?:[^"\\]|\\.)*)"\}$/.exec(series)?.[1];
      return group === undefined ? [] : [[group, value] as const];
    });
    return Object.fromEntries(counts);
  }
}

function statOf(pid: string, comm: string | Buffer, fake: Fake): Buffer {
  const { state = 'S', parent = 1, flags = 4194304, minorFaults = 0, majorFaults = 0, user = 0, system = 0 } = fake;
  const { threads = 1, start = 100, virtual = 0, pages = 0 } = fake;
  const counts = `${minorFaults} 9 ${majorFaults} 9 ${user} ${system} 9 9`;
  const rest = `${state} ${parent} 1 1 0 -1 ${flags} ${counts} 20 0 ${threads} 0 ${start} ${virtual} ${pages} 1844 1 1 0`;
  return Buffer.concat([Buffer.from(`${pid.split('/').at(-1)} (`), Buffer.from(comm), Buffer.from(`) ${rest}\n`)]);
}

function statusOf(
  uid: number,
  { swapKib, switches: [voluntary, nonvoluntary] = [0, 0], fileSlots = 64 }: Fake,
): string {
  return [
    'Name:\tx',
    `Uid:\t1\t${uid}\t1\t1`,
    `FDSize:\t${fileSlots}`,
    ...(swapKib === undefined ? [] : [`VmSwap:\t       ${swapKib} kB`]),
    `voluntary_ctxt_switches:\t${voluntary}`,
    `nonvoluntary_ctxt_switches:\t${nonvoluntary}`,
    '',
  ].join('\n');
}
