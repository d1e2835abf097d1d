import { basename, dirname } from 'node:path';
import type { Turns } from '../../base/turns.ts';
import { TailSet } from '../../host/tail/tail-set.ts';
import type { FileState, TailedFile } from '../../host/tail/tailed-file.ts';
import { OTHER } from '../../metrics/family.ts';
import { askedFolders, type LoggingPod } from './container-folders.ts';
import { CounterSet } from './counter-set.ts';
import { CONTAINER_LABELS, containerLogErrors, containerLogLines, containerLogLostBytes } from './families.ts';
import { eachLogLine, LineChunks } from './line-chunks.ts';
import { type LineMetric, type LineOrigin, type LineRule, lineRules } from './line-metrics.ts';
import { COMPRESSED } from './log-files.ts';
import type { ContainerLogOptions } from './options.ts';
import { PartialLines, runtimeLine } from './runtime-line.ts';

/** The pods of this node by uid; undefined until they are known. The same map as long as nothing has changed. */
export type PodSource = () => ReadonlyMap<string, LoggingPod> | undefined;

/** Maximum number of containers with their own series; the kubelet's limit is 110 pods. */
const MAX_CONTAINERS = 2000;

/** Counts of container logs. */
export const containerCounters = () => ({
  'container lines': new CounterSet(containerLogLines, MAX_CONTAINERS),
  'container errors': new CounterSet(containerLogErrors, MAX_CONTAINERS),
  'container lost': new CounterSet(containerLogLostBytes, MAX_CONTAINERS),
});

type ContainerCounters = ReturnType<typeof containerCounters>;

/** Counts of the lines of containers. */
export const CONTAINER_ORIGIN: LineOrigin = {
  labels: CONTAINER_LABELS,
  overflow: (labels) => labels.map(() => OTHER),
};

/** State for a restart. */
interface SavedLogs {
  readonly files?: readonly FileState[];
  readonly partials?: unknown;
}

const OTHERS: readonly string[] = CONTAINER_LABELS.map(() => OTHER);

/** The logs of the containers of this node whose pods opt in with an annotation. */
export class ContainerLogs {
  /** Errors since the last collection, by path. */
  readonly problems = new Map<string, unknown>();
  readonly #options: ContainerLogOptions;
  readonly #pods: PodSource;
  readonly #rules: readonly LineRule[];
  readonly #metrics: Iterable<LineMetric>;
  readonly #counters: ContainerCounters;
  readonly #chunks: LineChunks;
  readonly #partials = new PartialLines();
  /** The container of each followed folder, including those of deleted pods until their files have been read. */
  readonly #owners = new Map<string, readonly string[]>();
  /** Folders of pods that existed before they opted in: the existing content of their files is old. */
  readonly #late = new Set<string>();
  #closeAfterMs = 0;
  #saved: SavedLogs | undefined;
  #set: TailSet | undefined;
  #known: ReadonlyMap<string, LoggingPod> | undefined;
  /** Uids of existing pods that have not opted in. */
  #silent: ReadonlySet<string> = new Set();
  /** Whether there may be series of deleted containers. */
  #isStale: boolean = true;

  constructor(
    options: ContainerLogOptions,
    pods: PodSource,
    metrics: ReadonlyMap<string, LineMetric>,
    counters: ContainerCounters,
    chunk: Buffer,
  ) {
    this.#options = options;
    this.#pods = pods;
    this.#rules = lineRules(options.rules, metrics);
    this.#metrics = new Set(this.#rules.map(({ metric }) => metric));
    this.#counters = counters;
    this.#chunks = new LineChunks('utf-8', chunk, (text, file) => this.#takeLines(text, file));
  }

  /** Sets the position; the first read with known pods begins there. */
  begin(saved: SavedLogs | undefined, closeAfterMs: number): void {
    this.#saved = saved;
    this.#closeAfterMs = closeAfterMs;
    this.#partials.restore(saved?.partials);
  }

  /** Number of followed files. */
  get files(): number {
    return this.#set?.files.length ?? 0;
  }

  get lagBytes(): number {
    return this.#set?.lagBytes ?? 0;
  }

  /** Reads new data, at most about `budget` bytes, yielding to the event loop; returns the number of bytes. */
  async read(nowMs: number, budget: number, turns: Turns): Promise<number> {
    const pods = this.#pods();
    if (pods === undefined) return 0;
    if (pods !== this.#known) this.#update(pods);
    this.#known = pods;
    this.#set ??= this.#follow();
    const files = this.#set.refresh(nowMs);
    this.#late.clear();
    const { leftOut } = this.#set;
    if (leftOut > 0) {
      this.problems.set('containers', new Error(`${leftOut} log files beyond maxFiles are not followed`));
    }
    return this.#chunks.read(files, budget, turns);
  }

  /** To be called after each push: ends the series of deleted containers whose logs have been read. */
  endVanished(): void {
    if (!this.#isStale || this.#set === undefined || this.#known === undefined) return;
    const asked = askedFolders(this.#known.values(), this.#options);
    const followed = new Set(this.#set.files.map((path) => dirname(path)));
    for (const folder of this.#owners.keys()) {
      if (!asked.has(folder) && !followed.has(folder)) this.#owners.delete(folder);
    }
    this.#partials.forget((writer) => !this.#owners.has(dirname(writer)));
    const kept = new Set([...this.#owners.values(), OTHERS].map((labels) => labels.join('\0')));
    const isKept = (labels: readonly string[]) => kept.has(labels.slice(0, CONTAINER_LABELS.length).join('\0'));
    for (const one of [...Object.values(this.#counters), ...this.#metrics]) one.retain(isKept);
    this.#isStale = this.#owners.size > asked.size;
  }

  /** For the state file. */
  dump(): SavedLogs | undefined {
    if (this.#set === undefined) return this.#saved;
    return { files: this.#set.dump(), partials: this.#partials.dump() };
  }

  close(): void {
    this.#set?.close();
  }

  #follow(): TailSet {
    const { start, maxFiles } = this.#options;
    const count = (name: keyof ContainerCounters, path: string, amount: number) =>
      (this.#counters[name].of(this.#ownerOf(path)).value += amount);
    return new TailSet(
      {
        paths: globsOf(this.#owners.keys()),
        ...{ start, maxFiles, closeAfterMs: this.#closeAfterMs },
        exclude: (path) => COMPRESSED.test(path),
        isOld: (path) => this.#late.has(dirname(path)),
      },
      {
        rotated: () => undefined,
        truncated: () => undefined,
        failed: (path, cause) => {
          count('container errors', path, 1);
          this.problems.set(path, cause);
        },
        lost: (path, bytes) => count('container lost', path, bytes),
      },
      this.#saved?.files,
    );
  }

  /** Applies the current list of pods. */
  #update(pods: ReadonlyMap<string, LoggingPod>): void {
    const asked = askedFolders(pods.values(), this.#options);
    const asking = new Set([...asked.values()].map(({ uid }) => uid));
    for (const [folder, { labels, uid }] of asked) {
      if (!this.#owners.has(folder)) {
        if (this.#silent.has(uid)) this.#late.add(folder);
        for (const one of [this.#counters['container lines'], this.#counters['container lost']]) one.of(labels);
        for (const rule of this.#rules) rule.begin(labels);
      }
      this.#owners.set(folder, labels);
    }
    this.#silent = new Set([...pods.keys()].filter((uid) => !asking.has(uid)));
    // A pod that opts out is dropped immediately; the logs of a deleted one are read to their end.
    const left = (folder: string) =>
      !asked.has(folder) &&
      [...pods.values()].some(({ uid, configHash }) => isOf(folder, uid) || isOf(folder, configHash));
    const dropped = new Set([...this.#owners.keys()].filter(left));
    this.#set?.drop((path) => dropped.has(dirname(path)));
    for (const folder of dropped) this.#owners.delete(folder);
    this.#set?.follow(globsOf(asked.keys()));
    this.#isStale = true;
  }

  #takeLines(text: string, { path }: TailedFile): void {
    const { drop } = this.#options;
    const owner = this.#ownerOf(path);
    // The rotated file and the new one have the same writer: 0.log and 0.log.20261129-101500.
    const writer = `${dirname(path)}/${basename(path).split('.')[0] ?? ''}`;
    let lines = 0;
    eachLogLine(text, (written) => {
      const line = this.#partials.join(writer, runtimeLine(written));
      if (line === undefined) return;
      lines++;
      try {
        if (drop.some((pattern) => pattern.test(line))) return;
        for (const rule of this.#rules) rule.take(line, owner);
      } catch (cause) {
        this.#counters['container errors'].of(owner).value++;
        this.problems.set('rules of container logs', cause);
      }
    });
    this.#counters['container lines'].of(owner).value += lines;
  }

  #ownerOf(path: string): readonly string[] {
    return this.#owners.get(dirname(path)) ?? OTHERS;
  }
}

const globsOf = (folders: Iterable<string>): string[] => [...folders].map((folder) => `${folder}/*.log`);

const isOf = (folder: string, uid: string | undefined): boolean =>
  uid !== undefined && uid !== '' && folder.includes(`_${uid}/`);
