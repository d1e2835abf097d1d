import type { Shipped } from '../../logs/sink.ts';
import { compressor } from '../../metrics/compression.ts';
import type { Endpoints } from '../http/endpoints.ts';
import type { Sender, UploadAttempt } from '../http/sender.ts';
import type { EncodedBatch, Piece } from './encoded-batch.ts';
import type { EncodedEntries, EntryVerdict, LogProtocol } from './protocol.ts';
import type { EntryReport } from './report.ts';

interface UploadOptions {
  readonly protocol: LogProtocol;
  readonly timeoutMs: number;
  readonly sender: Pick<Sender, 'send'>;
  readonly endpoints: Endpoints;
  readonly report: EntryReport;
  /** Aborts requests when the process ends. */
  readonly cut: AbortSignal;
}

/** A response with its meaning; the breaker has been settled. */
interface UploadResult {
  readonly verdict: EntryVerdict;
  readonly attempt: UploadAttempt;
  readonly url: string;
  readonly bytes: number;
}

/** Results of a batch so far. */
interface Tally {
  readonly batch: EncodedBatch;
  accepted: number;
  retried: number;
  bytes: number;
  readonly dropped: Map<string, number>;
  /** Single entries rejected without being named, while no other entry was accepted. */
  readonly suspects: number[];
}

/** After this many attempts that an entry may have made fail, entries are sent in halves. */
const SUSPECT_TRIES = 3;
/** If this many single entries are rejected and none is accepted, the address is the cause. */
const MAX_SUSPECTS = 8;
/** How often a batch whose every entry is rejected is sent before its only entry is dropped. */
const MAX_ROUNDS = 10;

/**
 * Delivers batches of entries: retries, failover, bisection, and dropping entries that the receiver does not accept.
 */
export class EntryUpload {
  readonly #options: UploadOptions;
  #bytes = 0;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  /** Bytes of the uploads in progress. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Delivers a batch. Undefined when `signal` fired before all entries were settled. */
  async deliver(lane: string, batch: EncodedBatch, signal: AbortSignal): Promise<Shipped | undefined> {
    const tally: Tally = { batch, accepted: 0, retried: 0, bytes: 0, dropped: new Map(), suspects: [] };
    for (let round = 1; ; round++) {
      const rest = round === 1 ? batch.all() : Uint16Array.from(tally.suspects.splice(0));
      const last = await this.#round(lane, rest, tally, signal);
      if (last === undefined) return undefined;
      if (tally.suspects.length === 0) return tally;
      if (tally.accepted === 0 && tally.suspects.length === 1 && round >= MAX_ROUNDS) {
        this.#drop(tally, 1, 'rejected', last);
        return tally;
      }
      tally.retried += tally.suspects.length;
      // Other entries were accepted since then: the bad ones will be rejected again.
      if (tally.accepted > 0) continue;
      if (!(await this.#pause(lane, last, signal))) return undefined;
    }
  }

  /** Sends all pieces of `entries` once, in order. Undefined if interrupted. */
  async #round(lane: string, entries: Piece, tally: Tally, signal: AbortSignal): Promise<UploadResult | undefined> {
    const pieces: Piece[] = [entries];
    let last: UploadResult | undefined;
    for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
      const body = tally.batch.body(piece);
      if (body.length > this.#options.protocol.maxBatchBytes && piece.length > 1) {
        pieces.unshift(...halves(piece));
        continue;
      }
      last = await this.#settle(lane, piece, body, tally, signal);
      if (last === undefined) return undefined;
      const { verdict } = last;
      if (verdict.kind === 'accepted') {
        const again = this.#accepted(piece, verdict, last, tally);
        if (again.length > 0) pieces.unshift(again);
        if (again.length > 0 && !(await this.#pause(lane, last, signal))) return undefined;
      } else if (piece.length > 1) {
        pieces.unshift(...halves(piece));
      } else if (verdict.kind === 'too_large') {
        this.#drop(tally, 1, 'too_large', last);
      } else if (tally.accepted > 0) {
        this.#drop(tally, 1, 'rejected', last);
      } else {
        tally.suspects.push(...piece);
        if (tally.suspects.length >= MAX_SUSPECTS) {
          for (const one of pieces.splice(0)) tally.suspects.push(...one);
        }
      }
    }
    return last;
  }

  /** Sends one piece until the response is about its entries. */
  async #settle(
    lane: string,
    piece: Piece,
    body: Buffer,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<UploadResult | undefined> {
    const { compression } = this.#options.protocol;
    const packed = compression === 'none' ? body : await compressor(compression).pack(body);
    this.#bytes += packed.length;
    try {
      for (let suspicions = 0; ; ) {
        const result = await this.#try(lane, tally.batch.view(piece), packed, suspicions + 1 >= SUSPECT_TRIES, signal);
        if (result === undefined) return undefined;
        const { verdict } = result;
        if (verdict.kind === 'retry' || verdict.kind === 'address') {
          tally.retried += piece.length;
          if (verdict.kind === 'retry' && verdict.maybeEntry) suspicions++;
          continue;
        }
        if (verdict.kind === 'accepted') {
          tally.bytes += body.length;
          this.#options.report.delivered(body.length, packed.length);
        }
        return result;
      }
    } finally {
      this.#bytes -= packed.length;
    }
  }

  /** Sends one request as soon as an address lets it pass. Undefined when `signal` fired before. */
  async #try(
    lane: string,
    entries: EncodedEntries,
    packed: Buffer,
    isSuspect: boolean,
    signal: AbortSignal,
  ): Promise<UploadResult | undefined> {
    const { protocol, timeoutMs, sender, endpoints, report, cut } = this.#options;
    const permit = await endpoints.permit(signal, lane);
    if (permit === undefined) return undefined;
    const { url } = permit.endpoint;
    const attempt = await sender.send(
      {
        method: 'POST',
        url,
        compression: protocol.compression,
        contentType: protocol.contentType,
        headers: protocol.headers,
        members: [packed],
        timeoutMs,
        ...(protocol.responseBytes > 0 && { responseBytes: protocol.responseBytes }),
      },
      cut,
    );
    report.attempted(attempt, endpoints.isOpen);
    let verdict = protocol.classify(attempt, entries);
    if (verdict.kind === 'retry' && verdict.maybeEntry && isSuspect) {
      verdict = { kind: 'rejected', reason: verdict.reason };
    }
    if (verdict.kind !== 'retry' && verdict.kind !== 'address') {
      endpoints.settle(permit, 'accepted');
      return { verdict, attempt, url, bytes: packed.length };
    }
    const isPause = verdict.kind === 'address';
    const requestedMs = verdict.kind === 'retry' ? verdict.afterMs : undefined;
    const waitMs = endpoints.backOff(permit, { isPause, requestedMs });
    report.retrying(url, attempt, verdict, waitMs);
    return { verdict, attempt, url, bytes: packed.length };
  }

  /** Counts an accepted piece; returns the entries that must be sent again. */
  #accepted(
    piece: Piece,
    { rejected = [], again = [] }: Extract<EntryVerdict, { kind: 'accepted' }>,
    result: UploadResult,
    tally: Tally,
  ): Piece {
    const reasons = new Map<string, number>();
    for (const { reason } of rejected) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    for (const [reason, count] of reasons) this.#drop(tally, count, reason, result);
    tally.accepted += piece.length - rejected.length - again.length;
    tally.retried += again.length;
    return Uint16Array.from(again.flatMap((index) => piece[index] ?? []));
  }

  #drop({ dropped }: Tally, count: number, reason: string, { url, attempt }: UploadResult): void {
    dropped.set(reason, (dropped.get(reason) ?? 0) + count);
    this.#options.report.dropped(url, attempt, { reason }, count);
  }

  /** Waits like after a failure of the address. False when `signal` fired. */
  async #pause(lane: string, { url, attempt }: UploadResult, signal: AbortSignal): Promise<boolean> {
    const { endpoints, report } = this.#options;
    const permit = await endpoints.permit(signal, lane);
    if (permit === undefined) return false;
    const waitMs = endpoints.backOff(permit, { requestedMs: attempt.retryAfterMs });
    report.retrying(url, attempt, { reason: 'rejected' }, waitMs);
    return true;
  }
}

/** Two halves, in order. */
function halves(entries: Piece): [Piece, Piece] {
  const middle = Math.ceil(entries.length / 2);
  return [entries.subarray(0, middle), entries.subarray(middle)];
}
