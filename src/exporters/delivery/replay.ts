import type { Clock } from '../../base/clock.ts';
import { type Body, wireBytes } from '../exporter.ts';
import type { Endpoints } from '../http/endpoints.ts';
import type { SpoolEntry } from '../spool/folder.ts';
import type { Spool } from '../spool/spool.ts';
import type { Delivery } from './delivery.ts';
import type { Report } from './report.ts';
import type { DeliverySettings } from './settings.ts';

export interface ReplayOptions {
  readonly spool: Spool;
  readonly delivery: Delivery;
  readonly endpoints: Endpoints;
  readonly report: Report;
  readonly drain: DeliverySettings['drain'];
  readonly clock: Clock;
  readonly random: () => number;
  /** Whether nothing newer waits. */
  readonly isIdle: () => boolean;
}

/** What fails on its way from the disk does not hold up what is new. */
const LANE = 'spool';

/** How often the folder of another process is looked at, and how often to look for something to send. */
const LOOK_MS = 1000;

/** Agents that found the receiver back at the same moment begin with their backlogs within so long. */
const SPREAD_MS = 2000;

/** A body that the receiver answers with 5xx, though it takes others, is given up after so many tries. */
const MAX_FAILURES = 10;

/**
 * Sends what is on disk, the oldest first, one at a time, behind all that is newer and slowly enough to leave the
 * receiver the time for that.
 */
export class Replay {
  readonly #options: ReplayOptions;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** Goes on until `ending` fires; `cut` ends an upload under way. */
  async run(ending: AbortSignal, cut: AbortSignal): Promise<void> {
    const { spool, clock, endpoints, isIdle, random } = this.#options;
    while (!ending.aborted && !(await spool.open())) await clock.sleep(LOOK_MS, ending);
    let wasOpen = false;
    while (!ending.aborted) {
      // The breaker is left to new bodies: they tell when the receiver is back.
      const canSend = endpoints.isOpen && isIdle();
      if (!canSend) wasOpen &&= endpoints.isOpen;
      else if (!wasOpen) {
        wasOpen = true;
        await clock.sleep(random() * SPREAD_MS, ending);
        continue;
      }
      const entry = canSend ? await spool.oldest() : undefined;
      if (entry) await this.#replay(entry, ending, cut);
      else await endpoints.change(LOOK_MS);
    }
  }

  async #replay(entry: SpoolEntry, ending: AbortSignal, cut: AbortSignal): Promise<void> {
    const { spool, clock, random, isIdle } = this.#options;
    const stored = await spool.read(entry);
    if (!stored) return;
    const started = clock.now();
    const parts: Body[] = [stored];
    let failures = 0;
    while (parts.length > 0) {
      const part = parts.shift() as Body;
      const sent = await this.#send(part, cut);
      if (sent === 'again') {
        // Nothing is lost: the file is still there, and what had been sent of it will be sent again.
        failures++;
        if (ending.aborted || !this.#options.endpoints.isOpen || !isIdle()) return;
        if (failures < MAX_FAILURES) parts.unshift(part);
        else this.#options.report.dropped('server_error', part.samples);
      } else parts.unshift(...sent);
    }
    await spool.remove(entry);
    const took = clock.now() - started;
    const { bytesPerSecond, share } = this.#options.drain;
    const wait = Math.max((wireBytes(stored) / bytesPerSecond) * 1000 - took, took * (1 / share - 1));
    await clock.sleep(wait * (0.9 + random() / 5), ending);
  }

  /** The parts that are left to be sent: none when it is settled. */
  async #send(body: Body, cut: AbortSignal): Promise<readonly Body[] | 'again'> {
    const { endpoints, delivery, report } = this.#options;
    const pass = endpoints.isOpen ? endpoints.passNow(LANE) : undefined;
    if (!pass) return 'again';
    const sent = report.status.sentSamples;
    const outcome = await delivery.try(body, pass, cut);
    if (outcome === 'settled') {
      if (report.status.sentSamples > sent) report.replayed();
      return [];
    }
    return outcome.again.length === 1 ? 'again' : outcome.again;
  }
}
