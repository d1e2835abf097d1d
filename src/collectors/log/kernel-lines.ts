import { PRIORITIES } from '../../base/syslog.ts';
import { Pattern } from '../../config/re2/pattern.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import type { PodNames } from '../../pods/pod-names.ts';
import { CounterSet } from './counter-set.ts';
import { kernelLost, kernelMessages, oomKills, problemCounter, problemGauge } from './families.ts';
import type { KernelRule } from './kernel-rules.ts';
import { containerOf, OomLines } from './oom.ts';

/** How long a problem lasts after its last message, unless another message ends it. */
const HOLDS_MS = 600_000;
/** The time of a problem that another message ends. */
const UNTIL_CLEARED = Number.MAX_SAFE_INTEGER;
const MAX_KILLS = 50;
/** Maximum length of a message that is matched. */
const MAX_TEXT = 8192;

/** Counts kernel messages from any source. */
export class KernelLines {
  readonly counters = {
    problems: new CounterSet(problemCounter, 1000),
    messages: new CounterSet(kernelMessages, PRIORITIES.length),
    lost: new CounterSet(kernelLost, 1),
    oomKills: new CounterSet(oomKills, MAX_KILLS),
  };
  /** Failures of rules; collected by the collector. */
  problem: unknown;
  readonly #rules: readonly KernelRule[];
  readonly #any: Pattern;
  readonly #pods: PodNames | undefined;
  readonly #oom = new OomLines();
  /** By reason, the time of its last message, milliseconds since 1970. */
  readonly #holding = new Map<string, number>();

  constructor(rules: readonly KernelRule[], pods: PodNames | undefined) {
    this.#rules = rules;
    this.#pods = pods;
    // Nearly every message matches none of them: one check is enough.
    const sources = rules.flatMap(({ pattern, clear }) => [pattern.source, ...(clear ? [clear.source] : [])]);
    this.#any = Pattern.of(sources.map((source) => `(?:${source})`).join('|'));
    for (const { reason } of rules) this.counters.problems.add(0, reason);
    for (const priority of PRIORITIES) this.counters.messages.add(0, priority);
    this.counters.lost.add(0);
  }

  /** Processes a kernel message; `atMs` is when it was written, milliseconds since 1970. */
  take(priority: number, message: string, atMs: number): void {
    this.counters.messages.add(1, PRIORITIES[priority] ?? 'debug');
    const text = message.length > MAX_TEXT ? message.slice(0, MAX_TEXT) : message;
    const kill = this.#oom.take(text);
    if (kill !== undefined) {
      const { containerId, podUid } = containerOf(kill.cgroup);
      const names = containerId === '' && podUid === '' ? undefined : this.#pods?.lookup(containerId, podUid);
      const { namespace = '', pod = '', container = '' } = names ?? {};
      this.counters.oomKills.add(1, kill.process, kill.constraint, namespace, pod, container);
    }
    this.#match(text, atMs, false);
  }

  /** Processes a systemd message. */
  takeOfSystemd(message: string, atMs: number): void {
    this.#match(message.slice(0, MAX_TEXT), atMs, true);
  }

  /** Adds the current problems; `isReadOnly` is taken from the mount table. */
  emitGauges(out: Snapshot, nowMs: number, isReadOnly: boolean): void {
    for (const { type, reason } of this.#rules) {
      if (type === undefined) continue;
      const since = this.#holding.get(reason);
      // A clock that was set back must not prolong it.
      if (since !== undefined && since > nowMs && since !== UNTIL_CLEARED) this.#holding.set(reason, nowMs);
      out.add(problemGauge, since !== undefined && nowMs - since < HOLDS_MS ? 1 : 0, type, reason);
    }
    out.add(problemGauge, isReadOnly ? 1 : 0, 'ReadonlyFilesystem', 'FilesystemIsReadOnly');
  }

  dump(): unknown {
    return Object.fromEntries(this.#holding);
  }

  restore(saved: unknown): void {
    if (typeof saved !== 'object' || saved === null) return;
    for (const [reason, at] of Object.entries(saved)) if (typeof at === 'number') this.#holding.set(reason, at);
  }

  #match(text: string, atMs: number, isOfSystemd: boolean): void {
    try {
      if (!this.#any.test(text)) return;
      for (const { reason, pattern, type, clear, isOfSystemd: ofSystemd = false } of this.#rules) {
        if (ofSystemd !== isOfSystemd) continue;
        if (clear?.test(text)) this.#holding.delete(reason);
        if (!pattern.test(text)) continue;
        this.counters.problems.add(1, reason);
        if (type !== undefined) this.#holding.set(reason, clear === undefined ? atMs : UNTIL_CLEARED);
      }
    } catch (cause) {
      this.problem = cause;
    }
  }
}
