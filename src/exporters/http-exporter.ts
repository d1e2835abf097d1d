import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../config/identity.ts';
import type { ExporterSettings } from '../config/schema.ts';
import type { ThrottledLog } from '../log.ts';
import type { Group } from '../metrics/group.ts';
import { type AnswerRule, ruleFor } from './answers.ts';
import { backoffMs, PAUSE_MS } from './backoff.ts';
import { type Body, type Exporter, wireBytes } from './exporter.ts';
import type { ExportMetrics } from './metrics.ts';
import type { Protocol } from './protocol.ts';
import { BodyQueue } from './queue.ts';
import { Sender, type Tried } from './sender.ts';

/** What all exporters share. */
export interface ExporterContext {
  readonly targets: Readonly<Record<Group, Target>>;
  readonly metrics: ExportMetrics;
  readonly log: ThrottledLog;
  readonly now: () => number;
  readonly random: () => number;
  readonly env: NodeJS.ProcessEnv;
}

/** Skew beyond this is worth a warning: alerts look at the newest minutes only. */
const SKEW_WARNING_SECONDS = 30;

/**
 * Delivers to one receiver over HTTP. Each group has a lane of its own: one upload at a time, the newest body first,
 * so that a group that is refused does not hold up another.
 */
export class HttpExporter implements Exporter {
  readonly name: string;
  readonly #protocol: Protocol;
  readonly #settings: ExporterSettings;
  readonly #context: ExporterContext;
  readonly #sender: Sender;
  readonly #lanes = new Map<Group, Lane>();
  /** Ends all waiting between tries. */
  readonly #closing = new AbortController();
  /** Cuts off uploads that outlast the deadline of close(). */
  readonly #cut = new AbortController();

  constructor(name: string, protocol: Protocol, settings: ExporterSettings, context: ExporterContext) {
    this.name = name;
    this.#protocol = protocol;
    this.#settings = settings;
    this.#context = context;
    this.#sender = new Sender(settings, context.now, context.env);
    for (const group of settings.groups) {
      this.#lanes.set(group, {
        group,
        queue: new BodyQueue(protocol.depth),
        tries: new WeakMap(),
        failures: 0,
        work: undefined,
      });
    }
  }

  accepts(group: Group): boolean {
    return this.#lanes.has(group);
  }

  deliver(body: Body): void {
    const lane = this.#lanes.get(body.group);
    if (!lane) return;
    const reason = this.#protocol.depth === 1 ? 'replaced' : 'queue_full';
    for (const old of lane.queue.push(body)) this.#drop(old, reason);
    this.#countQueue();
    lane.work ??= this.#drain(lane).finally(() => {
      lane.work = undefined;
    });
  }

  async close(deadlineMs: number): Promise<void> {
    this.#closing.abort();
    const timer = setTimeout(() => this.#cut.abort(), deadlineMs);
    await Promise.all([...this.#lanes.values()].map((lane) => lane.work));
    clearTimeout(timer);
    for (const lane of this.#lanes.values()) {
      for (let body = lane.queue.pop(); body; body = lane.queue.pop()) this.#drop(body, 'shutdown');
    }
    this.#countQueue();
    this.#sender.close();
  }

  /** Sends until the lane is empty; while closing, tries each body once more. */
  async #drain(lane: Lane): Promise<void> {
    const undelivered: Body[] = [];
    while (!this.#cut.signal.aborted) {
      const body = lane.queue.pop();
      if (body === undefined) break;
      const wait = await this.#try(lane, body);
      if (wait === undefined) continue;
      if (this.#closing.signal.aborted) undelivered.push(body);
      else {
        const displaced = lane.queue.restore(body);
        if (displaced) this.#drop(displaced, this.#protocol.depth === 1 ? 'replaced' : 'queue_full');
        await sleep(wait, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
      }
      this.#countQueue();
    }
    for (const body of undelivered) this.#drop(body, 'shutdown');
    this.#countQueue();
  }

  /** One try of one body. Undefined when it is settled, else the milliseconds to wait before the next. */
  async #try(lane: Lane, body: Body): Promise<number | undefined> {
    if (body.mayPush?.() === false) {
      this.#drop(body, 'not_master');
      return undefined;
    }
    const protocol = this.#protocol;
    const settings = this.#settings;
    const url = protocol.url(settings.url, this.#context.targets[lane.group], body.stampMs);
    const timeoutMs = settings.timeout ?? protocol.timeoutMs;
    const tried = await this.#sender.send(
      { method: protocol.method, url, members: body.members, timeoutMs, mayPush: body.mayPush },
      this.#cut.signal,
    );
    const rule = ruleFor(protocol.answers, tried);
    const tries = (lane.tries.get(body) ?? 0) + 1;
    this.#count(tried);
    if (rule.action === 'done') {
      this.#delivered(body, lane);
      return undefined;
    }
    const allowed = Math.min(rule.tries ?? Number.POSITIVE_INFINITY, 1 + (settings.retries ?? protocol.retries));
    const exhausted = rule.action === 'retry' && tries >= allowed;
    lane.failures++;
    const wait = exhausted || rule.action === 'drop' ? undefined : this.#waitMs(rule, tried, lane.failures);
    this.#complain(lane, url, tried, rule, wait);
    if (wait === undefined) {
      this.#drop(body, rule.reason);
      return undefined;
    }
    // A pause is the receiver's state, not the body's: it does not use up the body's tries.
    if (rule.action === 'retry') lane.tries.set(body, tries);
    this.#context.metrics.retries.inc({ exporter: this.name, reason: rule.reason });
    return wait;
  }

  #waitMs(rule: AnswerRule, tried: Tried, failures: number): number {
    return rule.action === 'pause' ? PAUSE_MS : (tried.retryAfterMs ?? backoffMs(failures, this.#context.random));
  }

  #count({ code, durationSeconds, clockSkewSeconds }: Tried): void {
    const { metrics, log } = this.#context;
    const exporter = this.name;
    metrics.requests.inc({ exporter, code: String(code) });
    metrics.duration.observe({ exporter }, durationSeconds);
    if (clockSkewSeconds === undefined) return;
    metrics.clockSkew.set({ exporter }, clockSkewSeconds);
    if (Math.abs(clockSkewSeconds) > SKEW_WARNING_SECONDS) {
      const message = 'clock differs from the receiver’s; samples will be misplaced in time: check NTP on both';
      log.say('warn', `${exporter}/skew`, { exporter, skewSeconds: Math.round(clockSkewSeconds) }, message);
    }
  }

  #delivered(body: Body, lane: Lane): void {
    const { metrics, log, now } = this.#context;
    const exporter = this.name;
    metrics.samplesSent.inc({ exporter }, body.samples);
    metrics.bytes.inc({ exporter, form: 'text' }, body.textBytes);
    metrics.bytes.inc({ exporter, form: 'wire' }, wireBytes(body));
    metrics.lastSuccess.set({ exporter }, now() / 1000);
    lane.failures = 0;
    if (lane.failing !== undefined) {
      for (const key of lane.failing) log.over(key);
      lane.failing = undefined;
      log.say('info', `${exporter}/${lane.group}/recovered`, { exporter, group: lane.group }, 'delivering again');
    }
  }

  #complain(lane: Lane, url: string, tried: Tried, rule: AnswerRule, wait: number | undefined): void {
    const exporter = this.name;
    const key = `${exporter}/${lane.group}/${rule.reason}`;
    lane.failing ??= new Set();
    lane.failing.add(key);
    this.#context.log.over(`${exporter}/${lane.group}/recovered`);
    const next = wait === undefined ? 'gave this body up' : `trying again in ${Math.round(wait / 100) / 10} s`;
    const fields = { exporter, group: lane.group, url, code: tried.code, answer: tried.text, hint: rule.hint, next };
    this.#context.log.say(wait === undefined ? 'error' : 'warn', key, fields, `push failed: ${rule.reason}`);
  }

  #drop(body: Body, reason: string): void {
    this.#context.metrics.samplesDropped.inc({ exporter: this.name, reason }, body.samples);
  }

  #countQueue(): void {
    let bodies = 0;
    let bytes = 0;
    for (const { queue } of this.#lanes.values()) {
      bodies += queue.length;
      bytes += queue.bytes;
    }
    this.#context.metrics.queueBodies.set({ exporter: this.name }, bodies);
    this.#context.metrics.queueBytes.set({ exporter: this.name }, bytes);
  }
}

interface Lane {
  readonly group: Group;
  readonly queue: BodyQueue;
  /** How often each waiting body has been refused. */
  readonly tries: WeakMap<Body, number>;
  /** Failures in a row: they, not the single body's, lengthen the backoff. */
  failures: number;
  work: Promise<void> | undefined;
  /** What has been complained of since the last success. */
  failing?: Set<string> | undefined;
}
