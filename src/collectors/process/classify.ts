import { type CgroupPlace, classifyCgroupPath } from '../../host/cgroup-path.ts';
import type { Host } from '../../host/host.ts';
import { OTHER } from '../../metrics/family.ts';
import { deny } from './details.ts';
import type { Units } from './group-series.ts';
import type { ProcessLosses } from './losses.ts';
import { compileMatcher, MAX_CMDLINE, type Matcher } from './matcher.ts';
import { DEFAULT_NAMES, type ProcessOptions } from './options.ts';
import { cgroupPaths, detached, effectiveUid, splitArguments } from './parse.ts';
import type { ProcFiles } from './proc-files.ts';
import type { Process } from './process.ts';
import type { Attributes } from './template.ts';
import { Users } from './users.ts';

/** Assigns processes to groups by process-exporter's rules: by their own attributes, else by their parents. */
export class Classifier {
  readonly matchers: readonly Matcher[];
  /** Whether a name has the start time of its process. */
  readonly needsStartTime: boolean;
  readonly #files: ProcFiles;
  readonly #users: Users;
  readonly #options: ProcessOptions;
  readonly #units: Units;
  readonly #needsUser: boolean;
  readonly #needsCgroups: boolean;

  constructor(host: Host, files: ProcFiles, options: ProcessOptions, units: Units) {
    this.matchers = (options.process_names ?? DEFAULT_NAMES).map(compileMatcher);
    this.#files = files;
    this.#options = options;
    this.#users = new Users(host, options.refreshInterval);
    this.#units = units;
    const uses = (field: 'Username' | 'Cgroups' | 'StartTime') =>
      this.matchers.some(({ template }) => template.fields.has(field));
    this.needsStartTime = uses('StartTime');
    this.#needsUser = uses('Username');
    this.#needsCgroups = options.byPod || uses('Cgroups');
  }

  /**
   * Reads the attributes of a process and matches it. Done when it is first seen, after a change of its name (it was
   * forked and now runs another program) and periodically. A process assigned through its parent stays in its group:
   * the parent may be gone.
   */
  match(process: Process, comm: string, now: number, losses: ProcessLosses): void {
    const attributes = this.#attributes(process, comm, now, losses);
    for (const matcher of this.matchers) {
      const name = matcher.match(attributes);
      if (name === undefined) continue;
      process.moveTo(detached(name));
      process.membership = 'matched';
      return;
    }
    if (process.membership === 'matched') {
      process.moveTo(undefined);
      process.membership = 'new';
    }
  }

  /**
   * Assigns a process that matches nothing: it follows its nearest assigned ancestor, and so do the unassigned ones in
   * between.
   */
  followParent(process: Process, processes: ReadonlyMap<number, Process>): void {
    const undecided: Process[] = [];
    let at: Process | undefined = process;
    // The length is bounded against a cycle of parents, which reused pids could create.
    while (at?.membership === 'new' && undecided.length <= processes.size) {
      undecided.push(at);
      at = this.#options.children ? processes.get(at.parentPid) : undefined;
    }
    const parentGroup = at?.membership === 'new' ? undefined : at?.groupName;
    for (const follower of undecided) {
      follower.membership = parentGroup === undefined ? 'none' : 'inherited';
      follower.moveTo(parentGroup ?? this.#groupOfUnmatched(follower));
    }
  }

  #groupOfUnmatched({ isKernelThread }: Process): string | undefined {
    return this.#options.unmatched === 'other' && !isKernelThread ? OTHER : undefined;
  }

  #attributes(process: Process, comm: string, now: number, losses: ProcessLosses): Attributes {
    const { pid } = process;
    const files = this.#files;
    const text = (file: string, maxBytes?: number): string => {
      try {
        return files.read(`${pid}/${file}`, maxBytes) ? files.text() : '';
      } catch (cause) {
        deny(process, file, losses, cause);
        return '';
      }
    };
    const argv = splitArguments(text('cmdline', MAX_CMDLINE));
    const uid = this.#needsUser ? effectiveUid(text('status')) : undefined;
    const username = uid === undefined ? '' : this.#users.name(uid, now);
    const cgroups = this.#needsCgroups ? cgroupPaths(text('cgroup')) : [];
    const place = placeOf(cgroups);
    // A runtime starts a process before it moves it into the container's cgroup.
    if (place?.containerId !== process.place?.containerId) process.group = undefined;
    process.place = place;
    const { bootTime, ticksPerSecond } = this.#units;
    const startedAt = (bootTime + process.startTicks / ticksPerSecond) * 1000;
    return { comm, argv, username, cgroups, pid, startedAt };
  }
}

/** The container of a process, from the first of its cgroups that names one: all hierarchies have the same paths. */
function placeOf(paths: readonly string[]): CgroupPlace | undefined {
  for (const path of paths) {
    const place = classifyCgroupPath(detached(path));
    if (place) return place;
  }
  return undefined;
}
