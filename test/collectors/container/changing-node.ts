import { existsSync, mkdirSync, readFileSync, renameSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Random } from '../../kit/random.ts';
import { podOf, V2Node } from './kit.ts';

const UIDS = ['1', '2', '3'].map((digit) => `${digit.repeat(8)}-1111-1111-1111-${digit.repeat(12)}`);
const containersOf = (uid: string) => ['a', 'b', 'c'].map((letter) => `${uid[0]}${letter}`.repeat(32));
const sandboxOf = (uid: string) => `${uid[0]}f`.repeat(32);
/** The pods that may be on a {@link ChangingNode}. */
export const PODS = UIDS.map((uid) =>
  podOf(`pod-${uid[0]}`, uid, Object.fromEntries(containersOf(uid).map((id) => [`c-${id[1]}`, `containerd://${id}`]))),
);

/** A place where pods may be, with the names of one driver. */
interface Place {
  readonly parent: string;
  readonly nameOfPod: (uid: string) => string;
  readonly nameOfContainer: (id: string) => string;
}

const SYSTEMD = { nameOfContainer: (id: string) => `cri-containerd-${id}.scope` };
const slice = (name: string) => (uid: string) => `${name}-pod${uid.replaceAll('-', '_')}.slice`;
const CGROUPFS = { nameOfPod: (uid: string) => `pod${uid}`, nameOfContainer: (id: string) => id };
const PLACES: readonly Place[] = [
  { parent: '/kubepods', ...CGROUPFS },
  { parent: '/kubepods/burstable', ...CGROUPFS },
  { parent: '/kubepods.slice', nameOfPod: slice('kubepods'), ...SYSTEMD },
  { parent: '/kubepods.slice/kubepods-burstable.slice', nameOfPod: slice('kubepods-burstable'), ...SYSTEMD },
];
const CLASSES = PLACES.map(({ parent }) => parent);
const POD_PATHS = PLACES.flatMap(({ parent, nameOfPod, nameOfContainer }) =>
  UIDS.map((uid) => {
    const id = `${parent}/${nameOfPod(uid)}`;
    const paths = (ids: readonly string[]) => ids.map((one) => `${id}/${nameOfContainer(one)}`);
    return { id, uid, sandboxes: paths([sandboxOf(uid)]), containers: paths(containersOf(uid)) };
  }),
);
const SANDBOXES = new Set(POD_PATHS.flatMap(({ sandboxes }) => sandboxes));
type PodPath = (typeof POD_PATHS)[number];
const SLICES = ['/single.slice', '/system.slice/a.service', '/system.slice/b.service', '/outer.slice/inner.service'];

const parentOf = (id: string) => id.slice(0, id.lastIndexOf('/'));

/** A node whose cgroups change as those of the kernel do: counts include those of the cgroups below. */
export class ChangingNode {
  readonly node: V2Node;
  readonly #random: Random;
  #clock = 1_700_000_000;
  #count = 0;
  #disk = 0;
  #removed = 0;

  constructor(context: TestContext, random: Random) {
    this.node = new V2Node(context);
    this.#random = random;
    for (const id of ['/single.slice', '/system.slice/a.service']) this.#make(id);
    for (const pod of POD_PATHS.slice(0, 2)) this.#makePod(pod);
  }

  /** Changes one thing. Returns what. */
  change(): string {
    const { change, name } = this.#random.pick(this.#changes);
    return `${name} ${change() ?? ''}`;
  }

  readonly #changes: readonly { readonly name: string; readonly change: () => string | undefined }[] = [
    { name: 'limit', change: () => this.#onOne((id) => this.#writeLimit(id)) },
    { name: 'limit', change: () => this.#onOne((id) => this.#writeLimit(id)) },
    { name: 'usage', change: () => this.#onOne((id) => this.#write(id, 'memory.current', `${++this.#count}\n`)) },
    { name: 'I/O', change: () => this.#onOne((id) => this.#doIo(id)) },
    { name: 'events', change: () => this.#onOne((id) => this.#addEvent(id)) },
    { name: 'recreate', change: () => this.#onOne((id) => this.#recreate(id)) },
    // Without a sandbox a pod has no network; its last values are those of the sandbox.
    {
      name: 'remove',
      change: () => this.#onOne((id) => SANDBOXES.has(id) || this.#random.chance(0.5) || this.#remove(id)),
    },
    { name: 'slice', change: () => this.#makeMissing(SLICES, (id) => this.#make(id)) },
    {
      name: 'pod',
      change: () => {
        const pod = this.#random.pick(POD_PATHS);
        if (POD_PATHS.some(({ id, uid }) => uid === pod.uid && this.#exists(id))) return 'exists';
        this.#makePod(pod);
        return pod.id;
      },
    },
    { name: 'container', change: () => this.#inPod((pod) => this.#addContainer(pod)) },
    { name: 'helper', change: () => this.#inPod(({ id }) => this.#mkdir(`${id}/helper${this.#random.below(2)}`)) },
    { name: 'helper becomes a container', change: () => this.#inPod((pod) => this.#replaceHelper(pod)) },
    { name: 'disks', change: () => this.#renameDisks() },
    {
      name: 'machine',
      change: () =>
        this.node.write('proc/meminfo', `MemTotal: ${++this.#count} kB\nSwapTotal: 100 kB\nSwapFree: 40 kB\n`) ?? '',
    },
  ];

  /** All cgroups that can be changed. */
  get ids(): string[] {
    const ids = [...CLASSES, ...SLICES];
    for (const { id, sandboxes, containers } of POD_PATHS) ids.push(id, ...sandboxes, ...containers);
    return ids.filter((id) => this.#exists(id));
  }

  #exists(id: string): boolean {
    return existsSync(join(this.node.paths.cgroup, id, 'cpu.stat'));
  }

  #onOne(change: (id: string) => unknown): string {
    const id = this.#random.pick(this.ids);
    if (id !== undefined) change(id);
    return id;
  }

  #inPod(change: (pod: PodPath) => void): string | undefined {
    const pod = this.#random.pick(POD_PATHS.filter(({ id }) => this.#exists(id)));
    if (pod !== undefined) change(pod);
    return pod?.id;
  }

  #makeMissing(ids: readonly string[], make: (id: string) => void): string | undefined {
    const id = this.#random.pick(ids.filter((one) => !this.#exists(one)));
    if (id !== undefined) make(id);
    return id;
  }

  /** Seconds apart from all others, as its creation time. */
  #make(id: string, comm?: string): void {
    const above = parentOf(id);
    if (CLASSES.includes(above) && !this.#exists(above)) this.#make(above);
    this.node.makeCgroup(id, { 'pids.max': 'max\n', 'pids.current': '1\n' }, comm);
    this.#clock += 100;
    utimesSync(join(this.node.paths.cgroup, id, 'cgroup.events'), this.#clock, this.#clock);
  }

  #makePod(pod: PodPath): void {
    this.#make(pod.id);
    for (const id of pod.sandboxes) this.#make(id, 'pause');
    this.#addContainer(pod);
  }

  #addContainer({ containers }: PodPath): void {
    this.#makeMissing(containers, (id) => this.#make(id, 'app'));
  }

  #mkdir(id: string): void {
    mkdirSync(join(this.node.paths.cgroup, id), { recursive: true });
  }

  #replaceHelper(pod: PodPath): void {
    for (const helper of ['helper0', 'helper1']) {
      const folder = join(this.node.paths.cgroup, pod.id, helper);
      if (!existsSync(folder)) continue;
      this.#remove(`${pod.id}/${helper}`);
      this.#addContainer(pod);
      return;
    }
  }

  /** Moved away: like a cgroup, and unlike other folders, it lives on while it is watched. */
  #remove(id: string): void {
    renameSync(join(this.node.paths.cgroup, id), join(this.node.root, `removed-${this.#removed++}`));
  }

  /** With everything below it. */
  #recreate(id: string): void {
    const inner = this.ids.filter((one) => one.startsWith(`${id}/`));
    for (const one of inner.toReversed()) this.#remove(one);
    this.#remove(id);
    if (id === '/outer.slice/inner.service') this.#remove('/outer.slice');
    for (const one of [id, ...inner]) this.#make(one, SANDBOXES.has(one) ? 'pause' : 'app');
  }

  #write(id: string, file: string, text: string): void {
    this.node.write(`sys/fs/cgroup${id}/${file}`, text);
  }

  #writeLimit(id: string): void {
    const value = ++this.#count + 1000;
    const [file, text] = this.#random.pick([
      ['cpu.max', `${value} 100000`],
      ['cpu.max', `max ${value}`],
      ['cpu.weight', `${value}`],
      ['memory.max', `${value}`],
      ['memory.swap.max', `${value}`],
      ['memory.min', `${value}`],
      ['pids.max', `${value}`],
    ] as const);
    this.#write(id, file, `${text}\n`);
  }

  /** The cgroup and those above it. */
  #upwards(id: string): string[] {
    const ids = [];
    for (let one = id; one !== ''; one = parentOf(one)) if (this.#exists(one)) ids.push(one);
    return ids;
  }

  #doIo(id: string): void {
    const device = this.#random.pick(['259:0', '8:0', '8:16']);
    for (const one of [...this.#upwards(id), '']) {
      const path = join(this.node.paths.cgroup, one, 'io.stat');
      const lines = new Map(
        readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => [line.split(' ')[0] ?? '', Number(/rios=(\d+)/.exec(line)?.[1])]),
      );
      lines.set(device, (lines.get(device) ?? 0) + 1);
      this.#write(
        one,
        'io.stat',
        [...lines].map(([name, count]) => `${name} rbytes=1 wbytes=2 rios=${count} wios=4\n`).join(''),
      );
    }
  }

  #addEvent(id: string): void {
    for (const one of this.#upwards(id)) {
      const text = readFileSync(join(this.node.paths.cgroup, one, 'memory.events'), 'utf8');
      const count = Number(/^oom_kill (\d+)$/m.exec(text)?.[1]) + 1;
      this.#write(one, 'memory.events', `low 0\nhigh ${count}\nmax ${count}\noom ${count}\noom_kill ${count}\n`);
    }
  }

  /** Numbers are given to other disks, and disks come and go. */
  #renameDisks(): string {
    const disks = ['259 0 nvme', '8 0 sda', '8 16 sdb'].filter(() => this.#random.chance(0.7));
    this.#disk++;
    const text = disks.map((disk) => ` ${disk}${this.#disk} 1 2 3 4 5 6 7 8 9 10 11\n`).join('');
    this.node.write('proc/diskstats', text);
    return text;
  }
}
