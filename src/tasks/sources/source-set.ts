import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Gauge, type Registry } from 'prom-client';
import { errorText } from '../../base/error-text.ts';
import type { Log } from '../../base/log.ts';
import type { SourceSettings } from '../../config/sources-section.ts';
import type { TaskInputs } from '../plan.ts';
import { DirectorySource } from './directory.ts';
import { SourceError } from './document.ts';
import type { Content, TaskListSource } from './source.ts';
import { UrlSource } from './url.ts';

/** What the sources need from the agent. */
interface SourceSetWorld {
  readonly registry: Registry;
  readonly log: Log;
  readonly now: () => number;
  readonly node: string;
  readonly cluster: string;
  /** The folder for copies; undefined if there is none. */
  readonly folder: () => string | undefined;
  /**
   * Activates the tasks of all sources from `inputs`, and calls `commit` when they are active. Rejects with a {@link
   * SourceError} when those of the source that changed can't be used.
   */
  change(inputs: () => readonly TaskInputs[], commit: () => void, changed: readonly TaskInputs[]): Promise<void>;
}

/** One source and its last good content. */
interface FollowedSource {
  readonly source: TaskListSource;
  content: Content | undefined;
  problems: readonly string[];
  lastSuccessMs: number | undefined;
  isStarted: boolean;
}

/** State of a source, for the status page. */
export interface SourceView {
  readonly name: string;
  readonly up: boolean;
  readonly hash?: string;
  readonly problems: readonly string[];
}

/** The sources of the active configuration. */
export class SourceSet {
  readonly #world: SourceSetWorld;
  readonly #up: Gauge<'source'>;
  readonly #success: Gauge<'source'>;
  readonly #hash: Gauge<'source' | 'hash'>;
  #followed = new Map<string, FollowedSource>();
  #next = new Map<string, FollowedSource>();

  constructor(world: SourceSetWorld) {
    this.#world = world;
    const registers = [world.registry];
    this.#up = new Gauge({
      name: 'firesteel_source_up',
      help: 'Whether the tasks last read from the source are usable. Absent before the first response of a URL.',
      labelNames: ['source'] as const,
      registers,
    });
    this.#success = new Gauge({
      name: 'firesteel_source_last_success_timestamp_seconds',
      help: 'When the source was last read without a problem, in seconds since 1970, also before a restart.',
      labelNames: ['source'] as const,
      registers,
    });
    this.#hash = new Gauge({
      name: 'firesteel_source_hash_info',
      help: 'Always 1. The label shows the hash of the active content of the source.',
      labelNames: ['source', 'hash'] as const,
      registers,
    });
  }

  /** The tasks of these sources; those with equal settings continue. Active after {@link takeOver}. */
  prepare(settings: readonly SourceSettings[]): readonly TaskInputs[] {
    this.#next = new Map();
    for (const each of settings) {
      const key = JSON.stringify(each);
      this.#next.set(key, this.#followed.get(key) ?? this.#first(each));
    }
    return inputsOf(this.#next);
  }

  /** Follows the sources that were prepared, and no others. */
  takeOver(): void {
    for (const [key, { source }] of this.#followed) {
      if (this.#next.has(key)) continue;
      source.stop();
      for (const metric of [this.#up, this.#success]) metric.remove({ source: source.name });
    }
    this.#followed = this.#next;
    for (const followed of this.#followed.values()) {
      if (followed.isStarted) continue;
      followed.isStarted = true;
      followed.source.start(
        (content) => this.#offer(followed, content),
        (cause) => this.#failed(followed, cause),
      );
    }
    this.#report();
  }

  /** The active tasks. */
  get inputs(): readonly TaskInputs[] {
    return inputsOf(this.#followed);
  }

  get views(): SourceView[] {
    return [...this.#followed.values()].map(({ source, content, problems }) => ({
      name: source.name,
      up: problems.length === 0,
      ...(content && { hash: content.hash }),
      problems,
    }));
  }

  stop(): void {
    for (const { source } of this.#followed.values()) source.stop();
  }

  #first(settings: SourceSettings): FollowedSource {
    const source = this.#make(settings);
    const followed: FollowedSource = {
      source,
      content: undefined,
      problems: [],
      lastSuccessMs: undefined,
      isStarted: false,
    };
    try {
      followed.content = source.first();
      if (followed.content) followed.lastSuccessMs = followed.content.readMs ?? this.#world.now();
    } catch (cause) {
      this.#failed(followed, cause);
    }
    return followed;
  }

  #make({ directory, recursive, url = '', every, keep, auth, sha256, allow }: SourceSettings): TaskListSource {
    if (directory !== undefined) return new DirectorySource(directory, recursive, allow);
    const { node, cluster, now } = this.#world;
    const filled = url
      .replaceAll('{node}', encodeURIComponent(node))
      .replaceAll('{cluster}', encodeURIComponent(cluster));
    const folder = this.#world.folder();
    const name = createHash('sha256').update(filled).digest('hex').slice(0, 16);
    const file = folder === undefined ? undefined : join(folder, `.source-${name}.json`);
    return new UrlSource(
      { url: filled, every, keep, tokenFile: auth?.bearerTokenFile, sha256, allow },
      { file, node, now },
    );
  }

  async #offer(followed: FollowedSource, content: Content): Promise<void> {
    if (content.hash !== followed.content?.hash) {
      const others = [...this.#followed.values()].filter((each) => each !== followed);
      const commit = () => {
        followed.content = content;
      };
      await this.#world.change(
        () => [...others.flatMap((each) => each.content?.inputs ?? []), ...content.inputs],
        commit,
        content.inputs,
      );
      this.#world.log.info({ source: followed.source.name, hash: content.hash }, 'a task source has changed');
    }
    followed.problems = [];
    followed.lastSuccessMs = this.#world.now();
    this.#report();
  }

  #failed(followed: FollowedSource, cause: unknown): void {
    const problems = cause instanceof SourceError ? cause.problems : [errorText(cause)];
    if (problems.join('\n') !== followed.problems.join('\n')) {
      const message = 'a task source is unusable; keeping its last valid tasks';
      this.#world.log.error({ source: followed.source.name, problems: problems.slice(0, 20) }, message);
    }
    followed.problems = problems;
    this.#report();
  }

  #report(): void {
    this.#hash.reset();
    for (const { source, content, problems, lastSuccessMs } of this.#followed.values()) {
      if (content !== undefined || problems.length > 0) {
        this.#up.set({ source: source.name }, problems.length === 0 ? 1 : 0);
      }
      if (lastSuccessMs !== undefined) this.#success.set({ source: source.name }, lastSuccessMs / 1000);
      if (content) this.#hash.set({ source: source.name, hash: content.hash }, 1);
    }
  }
}

const inputsOf = (followed: ReadonlyMap<string, FollowedSource>): TaskInputs[] =>
  [...followed.values()].flatMap(({ content }) => content?.inputs ?? []);
