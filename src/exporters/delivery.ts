import type { ExporterSettings } from '../config/exporter-schema.ts';
import type { Target } from '../config/identity.ts';
import { compressionOf, transcode } from '../metrics/compression.ts';
import type { Group } from '../metrics/group.ts';
import { type AnswerRule, ruleFor } from './answers.ts';
import { backoffMs, PAUSE_MS } from './backoff.ts';
import { askForZstd, NEVER_STORED_MS } from './dialect.ts';
import type { Endpoint, Endpoints, Pass } from './endpoints.ts';
import { type Body, wireBytes } from './exporter.ts';
import type { Protocol } from './protocol.ts';
import type { Report } from './report.ts';
import type { Sender, Tried } from './sender.ts';
import { splitBody } from './split.ts';
import { Suspects } from './suspects.ts';

export interface DeliveryOptions {
  readonly protocol: Protocol;
  readonly settings: ExporterSettings;
  readonly targets: Readonly<Record<Group, Target>>;
  readonly sender: Sender;
  readonly endpoints: Endpoints;
  readonly report: Report;
  readonly random: () => number;
}

/**
 * What became of a body: `settled` (taken, or given up and counted), still to be sent (`again`, in parts when it was
 * too large).
 */
export type Outcome = 'settled' | { readonly again: readonly Body[] };

/** The next body will not have exactly the bytes of the one that was too large. */
const SMALLER = 0.9;

const UNREADABLE: AnswerRule = { when: [0, 0], action: 'drop', reason: 'unreadable' };

const POISONOUS: AnswerRule = {
  when: [0, 999],
  action: 'drop',
  reason: 'rejected',
  hint: 'refused again and again while others were taken, so it is this body',
};

/** Makes single tries, and does with the answer what the protocol's table says. */
export class Delivery {
  readonly #options: DeliveryOptions;
  /** How often each waiting body has been refused. */
  readonly #tries = new WeakMap<Body, number>();
  readonly #suspects = new Suspects();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** One try. `signal` cuts it off, which is for the end of the process only. */
  async try(body: Body, pass: Pass, signal: AbortSignal): Promise<Outcome> {
    try {
      return await this.#attempt(body, pass, signal);
    } catch (cause) {
      // Only a body that can't be unpacked, to be split or written anew, comes to this.
      this.#options.endpoints.settle(pass, 'unused');
      const tried: Tried = { code: 'error', text: String(cause), durationSeconds: 0 };
      return this.#giveUp(body, pass.endpoint.url, tried, UNREADABLE);
    }
  }

  async #attempt(body: Body, pass: Pass, signal: AbortSignal): Promise<Outcome> {
    const { endpoints, report } = this.#options;
    if (wireBytes(body) > pass.endpoint.maxBytes) {
      const parts = await splitBody(body);
      if (parts) {
        endpoints.settle(pass, 'unused');
        return { again: parts };
      }
    }
    const tried = await this.#send(body, pass.endpoint, signal);
    if (!tried) {
      endpoints.settle(pass, 'unused');
      report.dropped('not_master', body.samples);
      return 'settled';
    }
    report.tried(tried);
    // The receiver may be another one when it is back.
    if (tried.failure === 'network' || tried.wasReset) this.#forget(pass.endpoint);
    const rule = this.#ruleFor(tried);
    const { url } = pass.endpoint;
    switch (rule.action) {
      case 'done':
        endpoints.settle(pass, 'taken');
        this.#suspects.taken();
        report.delivered(body);
        return 'settled';
      case 'split': {
        endpoints.settle(pass, 'taken');
        pass.endpoint.maxBytes = Math.min(pass.endpoint.maxBytes, wireBytes(body) * SMALLER);
        const parts = await splitBody(body);
        report.refused(body, url, tried, rule, parts ? 0 : undefined);
        if (parts) return { again: parts };
        report.dropped(rule.reason, body.samples);
        return 'settled';
      }
      case 'drop': {
        // Who says nothing at all is left alone like one that is down, and the next address takes over.
        const waitMs = backoffMs(pass.endpoint.breaker.failures + 1, this.#options.random);
        endpoints.settle(pass, tried.failure === undefined ? 'taken' : { waitMs, isPause: false });
        return this.#giveUp(body, url, tried, rule);
      }
      default:
        return this.#later(body, pass, tried, rule);
    }
  }

  #later(body: Body, pass: Pass, tried: Tried, rule: AnswerRule): Outcome {
    const { protocol, settings, endpoints, report, random } = this.#options;
    const { url, breaker } = pass.endpoint;
    const isPause = rule.action === 'pause';
    if (rule.reason === 'encoding' && settings.compression === undefined) pass.endpoint.readsZstd = false;
    else if (isPause) this.#forget(pass.endpoint);
    // What a receiver asks for is the same for all agents, and may be nothing.
    const asked = tried.retryAfterMs === undefined ? undefined : tried.retryAfterMs + backoffMs(1, random);
    const waitMs = isPause ? PAUSE_MS : (asked ?? backoffMs(breaker.failures + 1, random));
    endpoints.settle(pass, { waitMs, isPause });
    // A pause is the receiver's state, not the body's: it does not use up the body's tries.
    const tries = (this.#tries.get(body) ?? 0) + (isPause ? 0 : 1);
    this.#tries.set(body, tries);
    const allowed = Math.min(rule.tries ?? Number.POSITIVE_INFINITY, 1 + (settings.retries ?? protocol.retries));
    const isUnclear = rule.reason === 'refused' || rule.reason === 'transport';
    if (isUnclear && this.#suspects.refused(body)) return this.#giveUp(body, url, tried, POISONOUS);
    if (tries >= allowed) return this.#giveUp(body, url, tried, rule);
    report.refused(body, url, tried, rule, waitMs);
    return { again: [body] };
  }

  #giveUp(body: Body, url: string, tried: Tried, rule: AnswerRule): Outcome {
    this.#options.report.refused(body, url, tried, rule, undefined);
    this.#options.report.dropped(rule.reason, body.samples);
    return 'settled';
  }

  /** Undefined when this agent may not send the body any more. */
  async #send(body: Body, endpoint: Endpoint, signal: AbortSignal): Promise<Tried | undefined> {
    const { protocol, settings, targets, sender } = this.#options;
    const target = body.target ?? targets[body.group];
    const urlAt = (stampMs: number) => protocol.url(endpoint.url, target, stampMs);
    const common = {
      method: protocol.method,
      timeoutMs: settings.timeout ?? protocol.timeoutMs,
      mayPush: body.mayPush,
    };
    let { encoding, members } = body;
    if (body.mayPush?.() === false) return undefined;
    if (encoding === 'zstd') {
      // Groups that are sent side by side ask once.
      const question = { ...common, url: urlAt(NEVER_STORED_MS) };
      endpoint.readsZstd ??= askForZstd(sender, question, this.#ruleFor, signal);
      const answer = await endpoint.readsZstd;
      if (typeof answer === 'object') {
        this.#forget(endpoint);
        return answer;
      }
      if (!answer) {
        encoding = 'gzip-stamped';
        members = await transcode(members, 'zstd', encoding, body.stampMs);
      }
      endpoint.readsZstd = answer;
    }
    // The process may have stood still since it was asked.
    if (body.mayPush?.() === false) return undefined;
    // Stamped lines bring their own time, and one that is cut off is to have none.
    const url = urlAt(encoding === 'gzip-stamped' ? NEVER_STORED_MS : body.stampMs);
    return sender.send({ ...common, url, compression: compressionOf(encoding), members }, signal);
  }

  #forget(endpoint: Endpoint): void {
    endpoint.maxBytes = Number.POSITIVE_INFINITY;
    if (this.#options.settings.compression === undefined) endpoint.readsZstd = undefined;
  }

  readonly #ruleFor = (tried: Tried): AnswerRule => ruleFor(this.#options.protocol.answers, tried);
}
