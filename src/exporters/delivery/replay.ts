import type { Clock } from '../../base/clock.ts';
import { type Batch, wireBytes } from '../exporter.ts';
import type { Endpoints } from '../http/endpoints.ts';
import type { SpoolEntry } from '../spool/folder.ts';
import type { Spool } from '../spool/spool.ts';
import type { Delivery } from './delivery.ts';
import type { Report } from './report.ts';
import type { DeliverySettings } from './settings.ts';

interface ReplayOptions {
  readonly spool: Spool;
  readonly delivery: Delivery;
  readonly endpoints: Endpoints;
  readonly report: Report;
  readonly drain: DeliverySettings['drain'];
  readonly clock: Clock;
  readonly random: () => number;
  /** Whether no newer batch is queued. */
  readonly isIdle: () => boolean;
}

/** Lane for batches from disk: their failures do not delay new batches. */
const LANE = 'spool';

/** How often to check a folder that another process uses, and how often to check for batches to send. */
const POLL_MS = 1000;

/** Agents that detect the recovery of the receiver at the same moment start their replays spread over this time. */
const SPREAD_MS = 2000;

/** A batch to which the receiver responds with 5xx, though it accepts others, is dropped after this many attempts. */
const MAX_FAILURES = 10;

/**
 * Sends the batches on disk, oldest first, one at a time, after all newer ones and slowly enough to leave the receiver
 * time for those.
 */
export class Replay {
  readonly #options: ReplayOptions;
  /** How often a batch was refused while others were accepted. */
  readonly #failures = new WeakMap<SpoolEntry, number>();

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** Runs until `ending` fires. `cut` aborts an upload in progress. */
  async run(ending: AbortSignal, cut: AbortSignal): Promise<void> {
    const { spool, clock, endpoints, isIdle, random } = this.#options;
    while (!ending.aborted && !(await spool.open())) await clock.sleep(POLL_MS, ending);
    let wasOpen = false;
    while (!ending.aborted) {
      // Does not affect the breaker: new batches detect when the receiver is back.
      const canSend = endpoints.isOpen && isIdle();
      if (!canSend) wasOpen &&= endpoints.isOpen;
      else if (!wasOpen) {
        wasOpen = true;
        await clock.sleep(random() * SPREAD_MS, ending);
        continue;
      }
      const entry = canSend ? await spool.oldest() : undefined;
      const isOver = entry !== undefined && (await this.#replay(entry, ending, cut));
      if (!isOver) await endpoints.change(POLL_MS);
    }
  }

  /** Sends the batch of a file. False when it has to be retried after something has changed. */
  async #replay(entry: SpoolEntry, ending: AbortSignal, cut: AbortSignal): Promise<boolean> {
    const { spool, clock, endpoints, random, report } = this.#options;
    const stored = await spool.read(entry);
    if (!stored) return true;
    const started = clock.monotonicMs();
    const parts: Batch[] = [stored];
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const sent = await this.#send(part, cut);
      // Nothing is lost: the file still exists, and the parts already sent will be sent again.
      if (sent === 'not now') return false;
      if (sent === 'failed') {
        // A failure of the address is not a failure of the batch.
        if (ending.aborted || !endpoints.isOpen) return false;
        const failures = (this.#failures.get(entry) ?? 0) + 1;
        this.#failures.set(entry, failures);
        if (failures < MAX_FAILURES) return false;
        this.#failures.delete(entry);
        report.dropped('server_error', part.samples);
      } else parts.unshift(...sent);
    }
    await spool.remove(entry);
    const took = clock.monotonicMs() - started;
    const { bytesPerSecond, share } = this.#options.drain;
    const wait = Math.max((wireBytes(stored) / bytesPerSecond) * 1000 - took, took * (1 / share - 1));
    await clock.sleep(wait * (0.9 + random() / 5), ending);
    return true;
  }

  /** The parts still to be sent, none when it is settled; `not now` when no upload may begin. */
  async #send(batch: Batch, cut: AbortSignal): Promise<readonly Batch[] | 'failed' | 'not now'> {
    const { endpoints, delivery, report } = this.#options;
    const permit = endpoints.isOpen ? endpoints.permitNow(LANE) : undefined;
    if (!permit) return 'not now';
    const sent = report.status.sentSamples;
    const outcome = await delivery.try(batch, permit, cut);
    if (outcome === 'settled') {
      if (report.status.sentSamples > sent) report.replayed();
      return [];
    }
    return outcome.again.length === 1 ? 'failed' : outcome.again;
  }
}
