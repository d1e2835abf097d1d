import { errorCode } from '../../base/error-text.ts';
import { PRIORITIES } from '../../base/syslog.ts';
import { Turns } from '../../base/turns.ts';
import { bootIdOf } from '../../host/boot-id.ts';
import type { KernelRecord, OpenKmsg } from '../../host/kmsg.ts';
import { uptimeSeconds } from '../../host/uptime.ts';
import type { LogEntry } from '../entry.ts';
import type { EntryTarget, LogRead, LogSource, SavedPosition } from '../source.ts';
import type { LogWorld } from '../world.ts';

/** Records read between checks of the clock. */
const STEP = 32;
/** The clock was changed if the boot time moves by more than this, microseconds; its resolution is 10 ms. */
const CLOCK_SET_US = 1e6;

/** The position up to which records were read. */
interface KernelPosition {
  readonly bootId: string;
  /** Sequence number of the last record; -1 before the first. */
  readonly sequence: number;
}

/** /dev/kmsg, read forward: the kernel's buffer is the queue, and gaps of its sequence numbers are losses. */
export class KmsgSource implements LogSource {
  readonly name = 'kernel';
  readonly waiting = undefined;
  readonly lost = { rotated: 0 };
  readonly #world: LogWorld;
  readonly #open: () => OpenKmsg;
  readonly #bootId: string;
  #messages: OpenKmsg | undefined;
  #isNew: boolean;
  #last: number | undefined;
  /** When the host was booted, microseconds since 1970. */
  #bootUs = 0;

  constructor(world: LogWorld, open: () => OpenKmsg, saved: SavedPosition | undefined) {
    this.#world = world;
    this.#open = open;
    this.#bootId = bootIdOf(world.host) ?? '';
    this.#isNew = saved === undefined;
    if (saved === undefined) return;
    Object.assign(this.lost, saved.lost);
    const { bootId, sequence }: KernelPosition = JSON.parse(saved.position);
    this.#last = bootId === this.#bootId ? sequence : -1;
  }

  async read(target: EntryTarget, signal: AbortSignal): Promise<LogRead | undefined> {
    this.#messages ??= this.#opened();
    this.#checkClock();
    const turns = new Turns(signal);
    if (this.#isNew) {
      await this.#begin(this.#messages, turns);
      this.#isNew = false;
      return { position: this.#position, isDrained: false };
    }
    const least = PRIORITIES.indexOf(this.#world.logs.kernel.priority);
    let read = 0;
    let isDrained = false;
    while (!target.isFull) {
      const record = this.#next(this.#messages);
      if (record === undefined) {
        isDrained = true;
        break;
      }
      if (record.priority <= least) {
        target.add(kernelEntry(record, this.#bootId, this.#bootUs, this.#world.labels));
      }
      if (++read % STEP === 0 && turns.isOver) await turns.next();
    }
    return read === 0 ? undefined : { position: this.#position, isDrained };
  }

  acknowledged(): void {}

  close(): void {
    this.#messages?.close();
    this.#messages = undefined;
  }

  get #position(): string {
    return JSON.stringify({ bootId: this.#bootId, sequence: this.#last ?? -1 } satisfies KernelPosition);
  }

  #opened(): OpenKmsg {
    try {
      return this.#open();
    } catch (cause) {
      const code = errorCode(cause);
      if (code !== 'EPERM' && code !== 'EACCES') throw cause;
      throw new Error('/dev/kmsg needs CAP_SYSLOG and access to the device', { cause });
    }
  }

  /** Finds the record after which shipping begins, without a saved position. */
  async #begin(messages: OpenKmsg, turns: Turns): Promise<void> {
    const { start, maxAge } = this.#world.logs.kernel;
    const sinceUs = maxAge === undefined ? 0 : (this.#world.now() - maxAge) * 1000;
    let read = 0;
    for (let record = messages.next(); record !== undefined; record = messages.next()) {
      if (start !== 'now' && this.#bootUs + record.monotonic >= sinceUs) {
        this.#last = record.sequence - 1;
        break;
      }
      this.#last = record.sequence;
      if (++read % STEP === 0 && turns.isOver) await turns.next();
    }
    // The device was only examined: start reading again.
    if (start === 'now') return;
    messages.close();
    this.#messages = this.#opened();
  }

  /** The next record after the position; counts the records missing in between. */
  #next(messages: OpenKmsg): KernelRecord | undefined {
    for (;;) {
      const record = messages.next();
      if (record === undefined) return undefined;
      const last = this.#last ?? record.sequence - 1;
      if (record.sequence <= last) continue;
      this.lost.rotated += record.sequence - last - 1;
      this.#last = record.sequence;
      return record;
    }
  }

  #checkClock(): void {
    const { host, now } = this.#world;
    const uptime = uptimeSeconds(host);
    const bootUs = Math.round(now() * 1000 - uptime * 1e6);
    if (Math.abs(bootUs - this.#bootUs) > CLOCK_SET_US) this.#bootUs = bootUs;
  }
}

/** A record as an entry; programs that write to /dev/kmsg have a facility other than the kernel's 0. */
function kernelEntry(
  { priority, facility, sequence, monotonic, text, properties }: KernelRecord,
  bootId: string,
  bootUs: number,
  labels: LogEntry['labels'],
): LogEntry {
  const fields = new Map([
    ['SYSLOG_FACILITY', String(facility)],
    ['BOOT_ID', bootId],
    ['SEQUENCE', String(sequence)],
    ['MONOTONIC_USEC', String(monotonic)],
  ]);
  if (facility === 0) fields.set('SYSLOG_IDENTIFIER', 'kernel');
  // As in journald, without the leading underscore, which receivers of its protocol reject from other clients.
  for (const [name, value] of properties ?? []) fields.set(`KERNEL_${name}`, value);
  const cursor = `b=${bootId};k=${sequence.toString(16)}`;
  return { source: 'kernel', timeUs: bootUs + monotonic, message: text, priority, labels, fields, cursor };
}
