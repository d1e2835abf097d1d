import type { Report } from '../delivery/report.ts';
import type { Batch } from '../exporter.ts';
import type { Endpoint, Endpoints, UploadPermit } from '../http/endpoints.ts';
import type { ResponseRule } from '../http/responses.ts';
import type { Sender, Upload, UploadAttempt } from '../http/sender.ts';
import { snappy } from '../prompb/snappy.ts';
import type { Version } from './request.ts';
import { ruleOf } from './responses.ts';
import type { SampleBatch } from './sample-batch.ts';
import type { Request, RequestOptions } from './series-requests.ts';
import type { RemoteWriteSettings } from './settings.ts';

interface ChannelOptions {
  readonly settings: RemoteWriteSettings;
  readonly sender: Pick<Sender, 'send'>;
  readonly endpoints: Endpoints;
  readonly report: Report;
  /** Aborts the waits between attempts. */
  readonly closing: AbortSignal;
  /** Aborts requests at the end of the process. */
  readonly cut: AbortSignal;
}

/**
 * How a request ended: accepted or dropped (`settled`); to be encoded again for this receiver, in another version or in
 * smaller requests (`rewrite`); no longer this agent's to send (`fenced`); not sent before shutdown (`left`).
 */
export type RequestOutcome = 'settled' | 'rewrite' | 'fenced' | 'left';

/** The same as in Prometheus' own sender. */
const MAX_SAMPLES = 2000;
const TIMEOUT_MS = 30_000;
/** A receiver that responds to 2.0 with one of these may support 1.0. */
const UNSUPPORTED: readonly unknown[] = [400, 404, 406, 415, 501];

const HEADERS: Readonly<Record<Version, { readonly contentType: string; readonly version: string }>> = {
  1: { contentType: 'application/x-protobuf', version: '0.1.0' },
  2: { contentType: 'application/x-protobuf;proto=io.prometheus.write.v2.Request', version: '2.0.0' },
};

/** For configurations that require 2.0. */
const ONLY_FIRST: ResponseRule = {
  when: [200, 299],
  action: 'pause',
  reason: 'encoding',
  hint: 'the receiver does not speak remote write 2.0, and stored nothing: set version to auto',
};

/** A request of a batch as sent. */
export const uploadOf = (url: string, version: Version, members: readonly Buffer[], timeoutMs: number): Upload => ({
  method: 'POST',
  url,
  compression: 'snappy',
  contentType: HEADERS[version].contentType,
  headers: { 'x-prometheus-remote-write-version': HEADERS[version].version },
  members,
  timeoutMs,
});

/**
 * Samples that the receiver reports as stored. Undefined when it does not report them, such as one that supports 1.0
 * only.
 */
export function samplesWritten({ headers }: UploadAttempt): number | undefined {
  const text = headers?.['x-prometheus-remote-write-samples-written'];
  return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** One request of a batch, compressed. Counted as batches of other exporters are. */
const encodedBatch = (
  { group, stampMs }: SampleBatch,
  members: readonly Buffer[],
  textBytes: number,
  samples: number,
): Batch => ({
  ...{ group, stampMs, samples, textBytes, members },
  encoding: 'zstd',
});

/** Whether the receiver has samples of the same series that are as new, or newer. */
const isOutdated = ({ reason }: ResponseRule): boolean => reason === 'out_of_order' || reason === 'duplicate';

/** What is known about one address. */
interface KnownVersion {
  readonly version: Version;
  /** Whether a response has confirmed it. */
  readonly isSure: boolean;
}

/** Sends single requests until they are settled, and detects the versions that the receiver's addresses support. */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #versions = new Map<string, KnownVersion>();
  #maxSamples = MAX_SAMPLES;
  #wanted: Version | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  /**
   * How to encode the next requests: for the address that could not read the last one, otherwise for the current one.
   */
  takeRequestOptions(): RequestOptions {
    const version = this.#wanted ?? this.#versionAt(this.#options.endpoints.current);
    this.#wanted = undefined;
    return { version, maxSamples: this.#maxSamples };
  }

  /** Sends one request. Never rejects. */
  async send(request: Request, { version }: RequestOptions, batch: SampleBatch): Promise<RequestOutcome> {
    const { settings, sender, endpoints, report, closing, cut } = this.#options;
    let { withoutZeros } = request;
    let encoded = encodedBatch(batch, request.members, request.rawBytes, request.samples);
    const { group, mayPush } = batch;
    for (let tries = 0; ; ) {
      const permit = await endpoints.permitUntilCut(closing, cut, group);
      if (permit === undefined) return 'left';
      const { endpoint } = permit;
      const wanted = this.#versionAt(endpoint);
      if (wanted !== version) {
        this.#wanted = wanted;
        return this.#unused(permit, 'rewrite');
      }
      if (mayPush?.() === false) return this.#unused(permit, 'fenced');
      const { members, samples } = encoded;
      const upload = uploadOf(endpoint.url, version, members, settings.timeout ?? TIMEOUT_MS);
      const attempt = await sender.send({ ...upload, mayPush }, cut);
      report.attempted(attempt);
      const written = samplesWritten(attempt);
      const isUnread = version === 2 && written === undefined && ruleOf(attempt).action === 'done';
      const rule = isUnread ? ONLY_FIRST : ruleOf(attempt);
      if (version === 2 && this.#isUnsupportedVersion(endpoint, attempt, written)) {
        endpoints.settle(permit, 'accepted');
        return 'rewrite';
      }
      if (written !== undefined) this.#versions.set(endpoint.url, { version: 2, isSure: true });
      if (withoutZeros && isOutdated(rule)) {
        endpoints.settle(permit, 'accepted');
        const content = withoutZeros();
        encoded = encodedBatch(batch, [snappy(content)], content.length, request.samples - request.zeros);
        withoutZeros = undefined;
        continue;
      }
      switch (rule.action) {
        case 'done':
          endpoints.settle(permit, 'accepted');
          report.delivered(encoded);
          if (written !== undefined && written < samples) report.dropped('rejected', samples - written);
          return 'settled';
        case 'split':
          endpoints.settle(permit, 'accepted');
          report.failed(encoded, endpoint.url, attempt, rule, samples > 1 ? 0 : undefined);
          if (samples > 1) {
            this.#maxSamples = Math.max(1, Math.min(this.#maxSamples, Math.floor(samples / 2)));
            return 'rewrite';
          }
          report.dropped(rule.reason, samples);
          return 'settled';
        case 'drop':
        case 'narrow':
          endpoints.settle(permit, 'accepted');
          return this.#drop(encoded, endpoint.url, attempt, rule, written);
        default: {
          if (attempt.failure === 'network') this.#versions.delete(endpoint.url);
          const isPause = rule.action === 'pause';
          const waitMs = endpoints.backOff(permit, { isPause, requestedMs: attempt.retryAfterMs });
          const allowed = Math.min(
            rule.tries ?? Number.POSITIVE_INFINITY,
            1 + (settings.retries ?? Number.POSITIVE_INFINITY),
          );
          if (!isPause && ++tries >= allowed) {
            return this.#drop(encoded, endpoint.url, attempt, rule, undefined);
          }
          report.failed(encoded, endpoint.url, attempt, rule, waitMs);
        }
      }
    }
  }

  /** Counts the dropped samples of a rejected request: 2.0 reports how many samples were stored nevertheless. */
  #drop(encoded: Batch, url: string, attempt: UploadAttempt, rule: ResponseRule, written = 0): 'settled' {
    const { report } = this.#options;
    if (written > 0) report.delivered({ ...encoded, samples: written });
    report.failed(encoded, url, attempt, rule, undefined);
    report.dropped(rule.reason, encoded.samples - written);
    return 'settled';
  }

  #unused(permit: UploadPermit, outcome: RequestOutcome): RequestOutcome {
    this.#options.endpoints.settle(permit, 'unused');
    return outcome;
  }

  /** Whether a response to 2.0 shows that the receiver did not understand it, so that 1.0 must be tried. */
  #isUnsupportedVersion({ url }: Endpoint, { code, isPage }: UploadAttempt, written: number | undefined): boolean {
    if (written !== undefined || this.#options.settings.version !== 'auto') return false;
    const isSure = this.#versions.get(url)?.isSure === true;
    // 2xx without a count: the receiver read it as 1.0, for which a 2.0 request is empty. Nothing was stored.
    const isIgnored = typeof code === 'number' && code >= 200 && code < 300 && isPage !== true;
    if (!isIgnored && (isSure || !UNSUPPORTED.includes(code))) return false;
    this.#versions.set(url, { version: 1, isSure: isIgnored });
    return true;
  }

  #versionAt({ url }: Endpoint): Version {
    const { version } = this.#options.settings;
    if (version !== 'auto') return version === '1.0' ? 1 : 2;
    return this.#versions.get(url)?.version ?? 2;
  }
}
