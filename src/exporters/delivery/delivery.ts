import type { Target } from '../../config/identity.ts';
import { compressionOf, compressor } from '../../metrics/compression.ts';
import type { Group } from '../../metrics/group.ts';
import { type Batch, wireBytes } from '../exporter.ts';
import type { Endpoints, UploadPermit } from '../http/endpoints.ts';
import { type ResponseRule, ruleFor } from '../http/responses.ts';
import type { Sender, Upload, UploadAttempt } from '../http/sender.ts';
import { familyNames, withFamilies } from './batch-families.ts';
import { BatchUpload } from './batch-upload.ts';
import type { LeftOutFamilies } from './left-out.ts';
import { narrow, type PartVerdict } from './narrowing.ts';
import type { Protocol } from './protocol.ts';
import type { Report } from './report.ts';
import type { RewrittenBatch } from './rewritten-batch.ts';
import type { DeliverySettings } from './settings.ts';
import { splitBatch } from './split.ts';
import { Suspects } from './suspects.ts';

interface DeliveryOptions {
  readonly protocol: Protocol;
  readonly settings: DeliverySettings;
  readonly targets: Readonly<Record<Group, Target>>;
  readonly sender: Sender;
  readonly endpoints: Endpoints;
  readonly report: Report;
  readonly leftOut: LeftOutFamilies;
}

/** Samples omitted from a batch, by family. */
type LeftOutSamples = ReadonlyMap<string, number>;

const NOTHING_OUT: LeftOutSamples = new Map();

/** A push without samples. A healthy receiver accepts it. */
const PROBE = Buffer.from('# firesteel checks whether pushes are accepted here\n');

/**
 * The result for a batch: `settled` (accepted, or dropped and counted), or still to be sent (`again`, in parts when it
 * was too large).
 */
type DeliveryOutcome = 'settled' | { readonly again: readonly Batch[] };

/** The size limit of an address after a 413, as a share of the size that was rejected: batches vary in size. */
const SMALLER = 0.9;

const UNREADABLE: ResponseRule = { when: [0, 0], action: 'drop', reason: 'unreadable' };

const POISON: ResponseRule = {
  when: [0, 999],
  action: 'drop',
  reason: 'rejected',
  hint: 'rejected repeatedly while other batches were accepted: this batch is at fault',
};

/** Makes single attempts, and handles the response as the protocol's table specifies. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #upload: BatchUpload;
  /** How often each queued batch has been rejected. */
  readonly #tries = new WeakMap<Batch, number>();
  readonly #suspects = new Suspects();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#upload = new BatchUpload(options);
  }

  /** One attempt. `signal` aborts it, at the end of the process only. */
  async try(batch: Batch, permit: UploadPermit, signal: AbortSignal): Promise<DeliveryOutcome> {
    try {
      return await this.#attempt(batch, permit, signal);
    } catch (cause) {
      // Only reached for a batch that can't be decompressed, to be split, encoded again or rewritten, or when the process
      // ends in the middle of that.
      this.#options.endpoints.settle(permit, 'unused');
      if (signal.aborted) return { again: [batch] };
      const attempt: UploadAttempt = { code: 'error', text: String(cause), durationSeconds: 0 };
      return this.#drop(batch, permit.endpoint.url, attempt, UNREADABLE);
    }
  }

  async #attempt(batch: Batch, permit: UploadPermit, signal: AbortSignal): Promise<DeliveryOutcome> {
    const { endpoints, report } = this.#options;
    const { batch: text, out } = await this.#withoutLeftOut(batch);
    const sent = await this.#upload.payloadOf(text, signal);
    if (wireBytes(sent) > permit.endpoint.maxBytes) {
      const parts = await splitBatch(batch);
      if (parts) {
        endpoints.settle(permit, 'unused');
        return { again: parts };
      }
    }
    if (isNothing(sent)) {
      // Not a success either: nothing was sent.
      endpoints.settle(permit, 'unused');
      report.unsupported(sent.omitted);
      batch.onSettled?.();
      return 'settled';
    }
    const attempt = await this.#upload.send(sent, permit.endpoint, signal);
    if (!attempt) {
      endpoints.settle(permit, 'unused');
      report.dropped('not_master', batch.samples);
      return 'settled';
    }
    report.attempted(attempt);
    // The receiver may be a different one when it is back.
    if (attempt.failure === 'network' || attempt.wasReset) this.#upload.forget(permit.endpoint);
    const rule = this.#ruleFor(attempt);
    const { url } = permit.endpoint;
    switch (rule.action) {
      case 'done':
        endpoints.settle(permit, 'accepted');
        this.#suspects.accepted();
        this.#delivered(sent, out);
        return 'settled';
      case 'narrow':
        return this.#narrow(batch, text, out, permit, attempt, rule, signal);
      case 'split': {
        endpoints.settle(permit, 'accepted');
        permit.endpoint.maxBytes = Math.min(permit.endpoint.maxBytes, wireBytes(sent) * SMALLER);
        const parts = await splitBatch(batch);
        report.failed(batch, url, attempt, rule, parts ? 0 : undefined);
        if (parts) return { again: parts };
        report.dropped(rule.reason, batch.samples);
        batch.onSettled?.();
        return 'settled';
      }
      case 'drop': {
        // A receiver that does not respond at all is treated as down, and the next address takes over.
        if (attempt.failure === undefined) endpoints.settle(permit, 'accepted');
        else endpoints.backOff(permit, { requestedMs: attempt.retryAfterMs });
        // The limit belongs to this address, or to a proxy in front of it.
        const next = rule.reason === 'too_large' ? endpoints.permitAfter(permit) : undefined;
        if (next) {
          report.failed(batch, url, attempt, rule, 0);
          return this.#attempt(batch, next, signal);
        }
        return this.#drop(batch, url, attempt, rule);
      }
      default:
        return this.#later(batch, permit, attempt, rule);
    }
  }

  #later(batch: Batch, permit: UploadPermit, attempt: UploadAttempt, rule: ResponseRule): DeliveryOutcome {
    const { protocol, settings, endpoints, report } = this.#options;
    const { url } = permit.endpoint;
    const isPause = rule.action === 'pause';
    if (rule.reason === 'encoding' && settings.compression === undefined) permit.endpoint.readsZstd = false;
    else if (isPause) this.#upload.forget(permit.endpoint);
    const waitMs = endpoints.backOff(permit, { isPause, requestedMs: attempt.retryAfterMs });
    // A pause is the state of the receiver, not of the batch: it does not count as an attempt of the batch.
    const tries = (this.#tries.get(batch) ?? 0) + (isPause ? 0 : 1);
    this.#tries.set(batch, tries);
    const allowed = Math.min(rule.tries ?? Number.POSITIVE_INFINITY, 1 + (settings.retries ?? protocol.retries));
    const isUnclear = rule.reason === 'refused' || rule.reason === 'transport';
    if (isUnclear && this.#suspects.rejected(batch)) return this.#drop(batch, url, attempt, POISON);
    if (tries >= allowed) return this.#drop(batch, url, attempt, rule);
    report.failed(batch, url, attempt, rule, waitMs);
    return { again: [batch] };
  }

  /** The batch without the families that the receiver rejects. */
  async #withoutLeftOut(batch: Batch): Promise<{ readonly batch: Batch; readonly out: LeftOutSamples }> {
    const { leftOut } = this.#options;
    const families = leftOut.of(batch.group);
    if (families === undefined) return { batch, out: NOTHING_OUT };
    return withFamilies(batch, (family) => !families.has(family), leftOut.cacheOf(batch.group, families));
  }

  #delivered(batch: Batch | RewrittenBatch, out: LeftOutSamples): void {
    const { leftOut, report } = this.#options;
    for (const family of leftOut.accepted(batch.group)) report.acceptedAgain(batch.group, family);
    report.delivered(batch);
    if ('omitted' in batch) report.unsupported(batch.omitted);
    report.leftOut(batch.group, out);
    batch.onSettled?.();
  }

  /** Searches for the families for which `sent` was rejected. `sent` is `batch` without those already known. */
  async #narrow(
    batch: Batch,
    sent: Batch,
    out: LeftOutSamples,
    permit: UploadPermit,
    attempt: UploadAttempt,
    rule: ResponseRule,
    signal: AbortSignal,
  ): Promise<DeliveryOutcome> {
    const { protocol, endpoints, leftOut, report } = this.#options;
    const { endpoint } = permit;
    const send = async (part: Batch, method: Upload['method'] = protocol.method): Promise<PartVerdict> => {
      const payload = await this.#upload.payloadOf(part, signal);
      if (isNothing(payload)) return payload.omitted > 0 ? 'accepted' : 'unclear';
      const attempt = await this.#upload.send(payload, endpoint, signal, method);
      if (attempt === undefined) return 'unclear';
      report.attempted(attempt);
      const { action } = this.#ruleFor(attempt);
      if (action === 'done') return 'accepted';
      return action === 'narrow' ? { rejection: rejectionOf(attempt) } : 'unclear';
    };
    // A gateway that crashes on its own rejection closes the connection, like one that is down. This push distinguishes
    // the two.
    const isHealthy =
      attempt.failure === undefined || (await send(await probe(sent), protocol.partMethod)) === 'accepted';
    if (!isHealthy) {
      if (rule.otherwise === 'retry') return this.#later(batch, permit, attempt, rule);
      endpoints.settle(permit, 'accepted');
      return this.#drop(batch, endpoint.url, attempt, rule);
    }
    endpoints.settle(permit, 'accepted');
    const only = async (families: readonly string[]) => {
      const wanted = new Set(families);
      return (await withFamilies(sent, (family) => wanted.has(family))).batch;
    };
    const { isAccepted, rejected } = await narrow(
      await familyNames(sent),
      leftOut.onTrial(sent.group),
      rejectionOf(attempt),
      {
        part: async (families) => send(await only(families), protocol.partMethod),
        whole: async (families) => send(await only(families)),
      },
    );
    for (const { family, reason } of rejected) {
      leftOut.add(sent.group, family, reason);
      report.rejectedFamily(sent.group, endpoint.url, family, reason);
    }
    if (!isAccepted) return this.#drop(batch, endpoint.url, attempt, rule);
    const names = new Set(rejected.map(({ family }) => family));
    const rest = await withFamilies(sent, (family) => !names.has(family));
    this.#delivered(await this.#upload.payloadOf(rest.batch, signal), new Map([...out, ...rest.out]));
    return 'settled';
  }

  #drop(batch: Batch, url: string, attempt: UploadAttempt, rule: ResponseRule): DeliveryOutcome {
    this.#options.report.failed(batch, url, attempt, rule, undefined);
    this.#options.report.dropped(rule.reason, batch.samples);
    batch.onSettled?.();
    return 'settled';
  }

  readonly #ruleFor = (attempt: UploadAttempt): ResponseRule => ruleFor(this.#options.protocol.responses, attempt);
}

/** Whether the receiver's format cannot express anything of a batch. */
const isNothing = (batch: Batch | RewrittenBatch): batch is RewrittenBatch =>
  'omitted' in batch && batch.members.length === 0;

/** The text of a rejection. A connection reset has no text, so an explanation is added. */
const rejectionOf = ({ failure, text }: UploadAttempt): string =>
  failure === undefined ? text : `${text}: this gateway closes the connection without reporting what it rejects`;

/** A batch of the same group without samples. */
async function probe(batch: Batch): Promise<Batch> {
  const member = await compressor(compressionOf(batch.encoding)).pack(PROBE);
  return { ...batch, members: [member], samples: 0, textBytes: PROBE.length };
}
