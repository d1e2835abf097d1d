import { begin } from '../../base/last-operation.ts';
import type { Target } from '../../config/identity.ts';
import { compressionOf, compressor, transcode } from '../../metrics/compression.ts';
import type { Group } from '../../metrics/group.ts';
import type { Batch } from '../exporter.ts';
import type { Endpoint } from '../http/endpoints.ts';
import { type ResponseRule, ruleFor } from '../http/responses.ts';
import type { Sender, Upload, UploadAttempt } from '../http/sender.ts';
import { detectZstd, NEVER_STORED_MS } from '../http/zstd-support.ts';
import type { Protocol } from './protocol.ts';
import { type RewrittenBatch, rewriteBatch } from './rewritten-batch.ts';
import type { DeliverySettings } from './settings.ts';

interface BatchUploadOptions {
  readonly protocol: Protocol;
  readonly settings: DeliverySettings;
  readonly targets: Readonly<Record<Group, Target>>;
  readonly sender: Sender;
}

/** Makes requests of batches, in the form and the encoding that an address supports. */
export class BatchUpload {
  readonly #options: BatchUploadOptions;

  constructor(options: BatchUploadOptions) {
    this.#options = options;
  }

  /** What to send of a batch: the text itself, or its form in the receiver's format. Rejects like {@link rewriteBatch}. */
  async payloadOf(batch: Batch, signal: AbortSignal): Promise<Batch | RewrittenBatch> {
    const { settings, targets } = this.#options;
    const { rewrite, envelope } = this.#options.protocol;
    if (!rewrite) return batch;
    const target = batch.target ?? targets[batch.group];
    return rewriteBatch(batch, target, { rewrite, envelope }, settings.compression ?? 'gzip', signal);
  }

  /**
   * Undefined when this agent may no longer send the batch. If the receiver does not know the address, the form of old
   * versions is tried once.
   */
  async send(
    batch: Batch | RewrittenBatch,
    endpoint: Endpoint,
    signal: AbortSignal,
    method: Upload['method'] = this.#options.protocol.method,
  ): Promise<UploadAttempt | undefined> {
    const { isPlain } = endpoint;
    const attempt = await this.#sendTo(batch, endpoint, isPlain, signal, method);
    const isUnknown = (attempt: UploadAttempt) => this.#ruleFor(attempt).reason === 'path';
    if (!attempt || !this.#options.protocol.hasPlainUrls || isPlain || !isUnknown(attempt)) return attempt;
    const plain = await this.#sendTo(batch, endpoint, true, signal, method);
    if (!plain || isUnknown(plain)) return plain && attempt;
    endpoint.isPlain = true;
    return plain;
  }

  async #sendTo(
    batch: Batch | RewrittenBatch,
    endpoint: Endpoint,
    isPlain: boolean,
    signal: AbortSignal,
    method: Upload['method'],
  ): Promise<UploadAttempt | undefined> {
    const { protocol, settings, targets, sender } = this.#options;
    const target = batch.target ?? targets[batch.group];
    const urlAt = (stampMs: number) => protocol.url(endpoint.url, target, stampMs, isPlain);
    const common = {
      method,
      timeoutMs: settings.timeout ?? protocol.timeoutMs,
      mayPush: batch.mayPush,
      ...(protocol.contentType !== undefined && { contentType: protocol.contentType }),
    };
    begin(`upload ${batch.group}`);
    if (batch.mayPush?.() === false) return undefined;
    if ('omitted' in batch) {
      const { compression, members } = batch;
      return sender.send({ ...common, url: urlAt(batch.stampMs), compression, members }, signal);
    }
    let { encoding, members } = batch;
    if (encoding === 'zstd') {
      // Groups that are sent concurrently share one check.
      endpoint.readsZstd ??= detectZstd(sender, { ...common, url: urlAt(NEVER_STORED_MS) }, this.#ruleFor, signal);
      const support = await endpoint.readsZstd;
      if (typeof support === 'object') {
        this.forget(endpoint);
        return support;
      }
      if (!support) {
        encoding = 'gzip-stamped';
        members = await transcode(members, 'zstd', encoding, batch.stampMs);
      }
      endpoint.readsZstd = support;
    }
    // The process may have been suspended since the last check.
    if (batch.mayPush?.() === false) return undefined;
    // Stamped lines have their own time. A line that is cut off must not get one.
    const url = urlAt(encoding === 'gzip-stamped' ? NEVER_STORED_MS : batch.stampMs);
    const compression = compressionOf(encoding);
    if (settings.compression !== 'none') return sender.send({ ...common, url, compression, members }, signal);
    const texts: Buffer[] = [];
    for (const member of members) texts.push(await compressor(compression).unpack(member));
    return sender.send({ ...common, url, compression: 'none', members: texts }, signal);
  }

  /** Forgets what is known about the receiver at this address: it may be a different one. */
  forget(endpoint: Endpoint): void {
    endpoint.maxBytes = Number.POSITIVE_INFINITY;
    endpoint.isPlain = false;
    if (this.#options.settings.compression === undefined) endpoint.readsZstd = undefined;
  }

  readonly #ruleFor = (attempt: UploadAttempt): ResponseRule => ruleFor(this.#options.protocol.responses, attempt);
}
