import { backoffMs, PAUSE_MS } from '../../base/backoff.ts';
import type { Target } from '../../config/identity.ts';
import { compressionOf, compressor } from '../../metrics/compression.ts';
import type { Group } from '../../metrics/group.ts';
import { type Body, wireBytes } from '../exporter.ts';
import { type AnswerRule, ruleFor } from '../http/answers.ts';
import type { Endpoints, UploadPermit } from '../http/endpoints.ts';
import type { Sender, Upload, UploadAttempt } from '../http/sender.ts';
import { familyNames, withFamilies } from './body-families.ts';
import { BodyUpload } from './body-upload.ts';
import type { LeftOutFamilies } from './left-out.ts';
import { narrow, type Verdict } from './narrowing.ts';
import type { Protocol } from './protocol.ts';
import type { Report } from './report.ts';
import type { DeliverySettings } from './settings.ts';
import { splitBody } from './split.ts';
import { Suspects } from './suspects.ts';

interface DeliveryOptions {
  readonly protocol: Protocol;
  readonly settings: DeliverySettings;
  readonly targets: Readonly<Record<Group, Target>>;
  readonly sender: Sender;
  readonly endpoints: Endpoints;
  readonly report: Report;
  readonly leftOut: LeftOutFamilies;
  readonly random: () => number;
}

/** Samples omitted from a batch, by family. */
type LeftOutSamples = ReadonlyMap<string, number>;

const NOTHING_OUT: LeftOutSamples = new Map();

/** A push without samples. A healthy receiver accepts it. */
const QUESTION = Buffer.from('# firesteel checks whether pushes are accepted here\n');

/**
 * The result for a batch: `settled` (accepted, or dropped and counted), or still to be sent (`again`, in parts when it
 * was too large).
 */
type Outcome = 'settled' | { readonly again: readonly Body[] };

/** The next batch will not be exactly as large as the one that was too large. */
const SMALLER = 0.9;

const UNREADABLE: AnswerRule = { when: [0, 0], action: 'drop', reason: 'unreadable' };

const POISONOUS: AnswerRule = {
  when: [0, 999],
  action: 'drop',
  reason: 'rejected',
  hint: 'rejected repeatedly while other batches were accepted: this batch is at fault',
};

/** Makes single attempts, and handles the response as the protocol's table specifies. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #upload: BodyUpload;
  /** How often each queued batch has been rejected. */
  readonly #tries = new WeakMap<Body, number>();
  readonly #suspects = new Suspects();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#upload = new BodyUpload(options);
  }

  /** One attempt. `signal` aborts it, at the end of the process only. */
  async try(body: Body, pass: UploadPermit, signal: AbortSignal): Promise<Outcome> {
    try {
      return await this.#attempt(body, pass, signal);
    } catch (cause) {
      // Only reached for a batch that can't be decompressed, to be split or encoded again.
      this.#options.endpoints.settle(pass, 'unused');
      const tried: UploadAttempt = { code: 'error', text: String(cause), durationSeconds: 0 };
      return this.#giveUp(body, pass.endpoint.url, tried, UNREADABLE);
    }
  }

  async #attempt(body: Body, pass: UploadPermit, signal: AbortSignal): Promise<Outcome> {
    const { endpoints, report } = this.#options;
    if (wireBytes(body) > pass.endpoint.maxBytes) {
      const parts = await splitBody(body);
      if (parts) {
        endpoints.settle(pass, 'unused');
        return { again: parts };
      }
    }
    const { body: sent, out } = await this.#withoutLeftOut(body);
    const tried = await this.#upload.send(sent, pass.endpoint, signal);
    if (!tried) {
      endpoints.settle(pass, 'unused');
      report.dropped('not_master', body.samples);
      return 'settled';
    }
    report.tried(tried);
    // The receiver may be a different one when it is back.
    if (tried.failure === 'network' || tried.wasReset) this.#upload.forget(pass.endpoint);
    const rule = this.#ruleFor(tried);
    const { url } = pass.endpoint;
    switch (rule.action) {
      case 'done':
        endpoints.settle(pass, 'taken');
        this.#suspects.taken();
        this.#delivered(sent, out);
        return 'settled';
      case 'narrow':
        return this.#narrow(body, sent, out, pass, tried, rule, signal);
      case 'split': {
        endpoints.settle(pass, 'taken');
        pass.endpoint.maxBytes = Math.min(pass.endpoint.maxBytes, wireBytes(body) * SMALLER);
        const parts = await splitBody(body);
        report.refused(body, url, tried, rule, parts ? 0 : undefined);
        if (parts) return { again: parts };
        report.dropped(rule.reason, body.samples);
        body.onSettled?.();
        return 'settled';
      }
      case 'drop': {
        // A receiver that does not respond at all is treated as down, and the next address takes over.
        const waitMs = backoffMs(endpoints.failures(pass) + 1, this.#options.random);
        endpoints.settle(pass, tried.failure === undefined ? 'taken' : { waitMs, isPause: false });
        // The limit belongs to this address, or to a proxy in front of it.
        const next = rule.reason === 'too_large' ? endpoints.passAfter(pass) : undefined;
        if (next) {
          report.refused(body, url, tried, rule, 0);
          return this.#attempt(body, next, signal);
        }
        return this.#giveUp(body, url, tried, rule);
      }
      default:
        return this.#later(body, pass, tried, rule);
    }
  }

  #later(body: Body, pass: UploadPermit, tried: UploadAttempt, rule: AnswerRule): Outcome {
    const { protocol, settings, endpoints, report, random } = this.#options;
    const { url } = pass.endpoint;
    const isPause = rule.action === 'pause';
    if (rule.reason === 'encoding' && settings.compression === undefined) pass.endpoint.readsZstd = false;
    else if (isPause) this.#upload.forget(pass.endpoint);
    // The delay that a receiver requests is the same for all agents, and may be zero.
    const asked = tried.retryAfterMs === undefined ? undefined : tried.retryAfterMs + backoffMs(1, random);
    const waitMs = isPause ? PAUSE_MS : (asked ?? backoffMs(endpoints.failures(pass) + 1, random));
    endpoints.settle(pass, { waitMs, isPause });
    // A pause is the state of the receiver, not of the batch: it does not count as an attempt of the batch.
    const tries = (this.#tries.get(body) ?? 0) + (isPause ? 0 : 1);
    this.#tries.set(body, tries);
    const allowed = Math.min(rule.tries ?? Number.POSITIVE_INFINITY, 1 + (settings.retries ?? protocol.retries));
    const isUnclear = rule.reason === 'refused' || rule.reason === 'transport';
    if (isUnclear && this.#suspects.refused(body)) return this.#giveUp(body, url, tried, POISONOUS);
    if (tries >= allowed) return this.#giveUp(body, url, tried, rule);
    report.refused(body, url, tried, rule, waitMs);
    return { again: [body] };
  }

  /** The batch without the families that the receiver rejects. */
  async #withoutLeftOut(body: Body): Promise<{ readonly body: Body; readonly out: LeftOutSamples }> {
    const { leftOut } = this.#options;
    const families = leftOut.of(body.group);
    if (families === undefined) return { body, out: NOTHING_OUT };
    return withFamilies(body, (family) => !families.has(family), leftOut.cacheOf(body.group, families));
  }

  #delivered(body: Body, out: LeftOutSamples): void {
    const { leftOut, report } = this.#options;
    for (const family of leftOut.taken(body.group)) report.takenAgain(body.group, family);
    report.delivered(body);
    report.leftOut(body.group, out);
    body.onSettled?.();
  }

  /** Searches for the families for which `sent` was rejected. `sent` is `body` without those already known. */
  async #narrow(
    body: Body,
    sent: Body,
    out: LeftOutSamples,
    pass: UploadPermit,
    tried: UploadAttempt,
    rule: AnswerRule,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { protocol, endpoints, leftOut, report } = this.#options;
    const { endpoint } = pass;
    const send = async (part: Body, method: Upload['method'] = protocol.method): Promise<Verdict> => {
      const answer = await this.#upload.send(part, endpoint, signal, method);
      if (answer === undefined) return 'unclear';
      report.tried(answer);
      const { action } = this.#ruleFor(answer);
      if (action === 'done') return 'taken';
      return action === 'narrow' ? { refusal: refusalOf(answer) } : 'unclear';
    };
    // A gateway that crashes on its own rejection closes the connection, like one that is down. This push distinguishes
    // the two.
    const isWell = tried.failure === undefined || (await send(await question(sent), protocol.partMethod)) === 'taken';
    if (!isWell) {
      if (rule.otherwise === 'retry') return this.#later(body, pass, tried, rule);
      endpoints.settle(pass, 'taken');
      return this.#giveUp(body, endpoint.url, tried, rule);
    }
    endpoints.settle(pass, 'taken');
    const only = async (families: readonly string[]) => {
      const wanted = new Set(families);
      return (await withFamilies(sent, (family) => wanted.has(family))).body;
    };
    const { isTaken, refused } = await narrow(await familyNames(sent), leftOut.onTrial(sent.group), refusalOf(tried), {
      part: async (families) => send(await only(families), protocol.partMethod),
      whole: async (families) => send(await only(families)),
    });
    for (const { family, reason } of refused) {
      leftOut.add(sent.group, family, reason);
      report.refusedFamily(sent.group, endpoint.url, family, reason);
    }
    if (!isTaken) return this.#giveUp(body, endpoint.url, tried, rule);
    const names = new Set(refused.map(({ family }) => family));
    const rest = await withFamilies(sent, (family) => !names.has(family));
    this.#delivered(rest.body, new Map([...out, ...rest.out]));
    return 'settled';
  }

  #giveUp(body: Body, url: string, tried: UploadAttempt, rule: AnswerRule): Outcome {
    this.#options.report.refused(body, url, tried, rule, undefined);
    this.#options.report.dropped(rule.reason, body.samples);
    body.onSettled?.();
    return 'settled';
  }

  readonly #ruleFor = (tried: UploadAttempt): AnswerRule => ruleFor(this.#options.protocol.answers, tried);
}

/** The text of a rejection. A connection reset has no text, so an explanation is added. */
const refusalOf = ({ failure, text }: UploadAttempt): string =>
  failure === undefined ? text : `${text}: this gateway closes the connection without reporting what it rejects`;

/** A batch of the same group without samples. */
async function question(body: Body): Promise<Body> {
  const member = await compressor(compressionOf(body.encoding)).pack(QUESTION);
  return { ...body, members: [member], samples: 0, textBytes: QUESTION.length };
}
