import { backoffMs, PAUSE_MS } from '../../base/backoff.ts';
import type { Report } from '../delivery/report.ts';
import type { Batch } from '../exporter.ts';
import type { AnswerRule } from '../http/answers.ts';
import type { Endpoint, Endpoints, UploadPermit } from '../http/endpoints.ts';
import type { Sender, Upload, UploadAttempt } from '../http/sender.ts';
import { ruleOf } from './answers.ts';
import type { Request, RequestOptions } from './loose.ts';
import type { Version } from './request.ts';
import type { SampleBatch } from './sample-batch.ts';
import type { RemoteWriteSettings } from './settings.ts';
import { snappy } from './snappy.ts';

interface ChannelOptions {
  readonly settings: RemoteWriteSettings;
  readonly sender: Pick<Sender, 'send'>;
  readonly endpoints: Endpoints;
  readonly report: Report;
  readonly random: () => number;
  /** Aborts the waits between attempts. */
  readonly closing: AbortSignal;
  /** Aborts requests at the end of the process. */
  readonly cut: AbortSignal;
}

/**
 * How a request ended: accepted or dropped (`settled`); to be encoded again for this receiver, in another version or in
 * smaller requests (`rewrite`); no longer this agent's to send (`fenced`); not sent before shutdown (`left`).
 */
export type Outcome = 'settled' | 'rewrite' | 'fenced' | 'left';

/** The same as in Prometheus' own sender. */
const MAX_SAMPLES = 2000;
const TIMEOUT_MS = 30_000;
/** A receiver that responds to 2.0 with one of these may support 1.0. */
const NOT_SPOKEN: readonly unknown[] = [400, 404, 406, 415, 501];

const HEADERS: Readonly<Record<Version, { readonly contentType: string; readonly version: string }>> = {
  1: { contentType: 'application/x-protobuf', version: '0.1.0' },
  2: { contentType: 'application/x-protobuf;proto=io.prometheus.write.v2.Request', version: '2.0.0' },
};

/** For configurations that require 2.0. */
const ONLY_FIRST: AnswerRule = {
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
const isOutdated = ({ reason }: AnswerRule): boolean => reason === 'out_of_order' || reason === 'duplicate';

/** What is known about one address. */
interface Spoken {
  readonly version: Version;
  /** Whether a response has confirmed it. */
  readonly isSure: boolean;
}

/** Sends single requests until they are settled, and detects the versions that the receiver's addresses support. */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #spoken = new Map<string, Spoken>();
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
  async send(request: Request, { version }: RequestOptions, batch: SampleBatch): Promise<Outcome> {
    const { settings, sender, endpoints, report, random, closing, cut } = this.#options;
    let { withoutZeros } = request;
    let encoded = encodedBatch(batch, request.members, request.rawBytes, request.samples);
    const { group, mayPush } = batch;
    for (let tries = 0; ; ) {
      const pass = await endpoints.passUntilCut(closing, cut, group);
      if (pass === undefined) return 'left';
      const { endpoint } = pass;
      const wanted = this.#versionAt(endpoint);
      if (wanted !== version) {
        this.#wanted = wanted;
        return this.#unused(pass, 'rewrite');
      }
      if (mayPush?.() === false) return this.#unused(pass, 'fenced');
      const { members, samples } = encoded;
      const upload = uploadOf(endpoint.url, version, members, settings.timeout ?? TIMEOUT_MS);
      const tried = await sender.send({ ...upload, mayPush }, cut);
      report.tried(tried);
      const written = samplesWritten(tried);
      const isUnread = version === 2 && written === undefined && ruleOf(tried).action === 'done';
      const rule = isUnread ? ONLY_FIRST : ruleOf(tried);
      if (version === 2 && this.#isRefusedVersion(endpoint, tried, written)) {
        endpoints.settle(pass, 'taken');
        return 'rewrite';
      }
      if (written !== undefined) this.#spoken.set(endpoint.url, { version: 2, isSure: true });
      if (withoutZeros && isOutdated(rule)) {
        endpoints.settle(pass, 'taken');
        const content = withoutZeros();
        encoded = encodedBatch(batch, [snappy(content)], content.length, request.samples - request.zeros);
        withoutZeros = undefined;
        continue;
      }
      switch (rule.action) {
        case 'done':
          endpoints.settle(pass, 'taken');
          report.delivered(encoded);
          if (written !== undefined && written < samples) report.dropped('rejected', samples - written);
          return 'settled';
        case 'split':
          endpoints.settle(pass, 'taken');
          report.refused(encoded, endpoint.url, tried, rule, samples > 1 ? 0 : undefined);
          if (samples > 1) {
            this.#maxSamples = Math.max(1, Math.min(this.#maxSamples, Math.floor(samples / 2)));
            return 'rewrite';
          }
          report.dropped(rule.reason, samples);
          return 'settled';
        case 'drop':
        case 'narrow':
          endpoints.settle(pass, 'taken');
          return this.#drop(encoded, endpoint.url, tried, rule, written);
        default: {
          if (tried.failure === 'network') this.#spoken.delete(endpoint.url);
          const isPause = rule.action === 'pause';
          const asked = tried.retryAfterMs === undefined ? undefined : tried.retryAfterMs + backoffMs(1, random);
          const waitMs = isPause ? PAUSE_MS : (asked ?? backoffMs(endpoints.failures(pass) + 1, random));
          endpoints.settle(pass, { waitMs, isPause });
          const allowed = Math.min(
            rule.tries ?? Number.POSITIVE_INFINITY,
            1 + (settings.retries ?? Number.POSITIVE_INFINITY),
          );
          if (!isPause && ++tries >= allowed) {
            return this.#drop(encoded, endpoint.url, tried, rule, undefined);
          }
          report.refused(encoded, endpoint.url, tried, rule, waitMs);
        }
      }
    }
  }

  /** Counts the dropped samples of a rejected request: 2.0 reports how many samples were stored nevertheless. */
  #drop(encoded: Batch, url: string, tried: UploadAttempt, rule: AnswerRule, written = 0): 'settled' {
    const { report } = this.#options;
    if (written > 0) report.delivered({ ...encoded, samples: written });
    report.refused(encoded, url, tried, rule, undefined);
    report.dropped(rule.reason, encoded.samples - written);
    return 'settled';
  }

  #unused(pass: UploadPermit, outcome: Outcome): Outcome {
    this.#options.endpoints.settle(pass, 'unused');
    return outcome;
  }

  /** Whether a response to 2.0 shows that the receiver did not understand it, so that 1.0 must be tried. */
  #isRefusedVersion({ url }: Endpoint, { code, isPage }: UploadAttempt, written: number | undefined): boolean {
    if (written !== undefined || this.#options.settings.version !== 'auto') return false;
    const isSure = this.#spoken.get(url)?.isSure === true;
    // 2xx without a count: the receiver read it as 1.0, for which a 2.0 request is empty. Nothing was stored.
    const isIgnored = typeof code === 'number' && code >= 200 && code < 300 && isPage !== true;
    if (!isIgnored && (isSure || !NOT_SPOKEN.includes(code))) return false;
    this.#spoken.set(url, { version: 1, isSure: isIgnored });
    return true;
  }

  #versionAt({ url }: Endpoint): Version {
    const { version } = this.#options.settings;
    if (version !== 'auto') return version === '1.0' ? 1 : 2;
    return this.#spoken.get(url)?.version ?? 2;
  }
}
