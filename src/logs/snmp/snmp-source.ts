import { join } from 'node:path';
import type { LogEntry } from '../entry.ts';
import { EntryQueue } from '../entry-queue.ts';
import { redactor } from '../redact.ts';
import type { LogBatch, LogSource, LogSourceType, ReadLimits, SavedPosition } from '../source.ts';
import type { LogWorld } from '../world.ts';
import type { Arrival, TrapFeed } from './trap-feed.ts';

/** Traps of the collector `snmp`; no file holds them, so that they are in a queue on disk until they are acknowledged. */
export const snmpSource = (world: LogWorld): LogSourceType => ({
  name: 'snmp',
  async open(saved, folder) {
    if (folder === undefined) throw new Error('SNMP traps can be shipped only with spool.path');
    return new SnmpSource(world, await EntryQueue.open(join(folder, 'snmp-queue'), 'snmp', saved), saved);
  },
});

class SnmpSource implements LogSource {
  readonly name = 'snmp';
  readonly #queue: EntryQueue;
  readonly #end: () => void;
  #isNew: boolean;

  constructor({ traps, labels, logs }: LogWorld, queue: EntryQueue, saved: SavedPosition | undefined) {
    const redact = redactor(logs.redact);
    let number = 0;
    this.#queue = queue;
    this.#isNew = saved === undefined;
    this.#end = (traps as TrapFeed).subscribe((arrival) => {
      const entry = trapEntry(arrival, labels, number++);
      queue.append(redact === undefined ? entry : redact(entry));
    });
  }

  get lost(): Readonly<Record<string, number>> {
    return { ...this.#queue.lost };
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  async read(limits: ReadLimits): Promise<LogBatch | undefined> {
    if (!this.#isNew) return this.#queue.read(limits);
    this.#isNew = false;
    return { entries: [], position: this.#queue.position, isDrained: false };
  }

  more(signal: AbortSignal): Promise<void> {
    return this.#queue.more(signal);
  }

  acknowledged(position: string): void {
    this.#queue.acknowledged(position);
  }

  async close(): Promise<void> {
    this.#end();
    await this.#queue.close();
  }
}

/** Varbinds in the message; all of them are fields. */
const SHOWN = 10;

/** A trap as an entry: its varbinds are fields by their OIDs. */
export function trapEntry(
  [{ version, oid, uptime, agentAddress, varbinds }, source, name, timeUs]: Arrival,
  labels: LogEntry['labels'],
  number: number,
): LogEntry {
  const fields = new Map<string, string | Uint8Array>([
    ['trap_oid', oid],
    ['version', version],
  ]);
  if (name !== '') fields.set('trap_name', name);
  if (uptime !== undefined) fields.set('uptime_seconds', String(uptime / 100));
  if (agentAddress !== undefined) fields.set('agent_address', agentAddress);
  const repeated: [string, string | Uint8Array][] = [];
  for (const { oid: key, value } of varbinds) {
    if (fields.has(key)) repeated.push([key, value]);
    else fields.set(key, value);
  }
  const values = varbinds.slice(0, SHOWN).map((one) => `${one.oid}=${shown(one.value)}`);
  const message = [`SNMP trap ${name || oid} from ${source}`, ...values].join(', ');
  const cursor = `t=${timeUs.toString(36)};n=${number.toString(36)};s=${source}`;
  return {
    ...{ source: 'snmp', timeUs, message, priority: undefined, labels: { ...labels, device: source }, fields },
    ...(repeated.length > 0 && { repeated }),
    cursor,
  };
}

const shown = (value: string | Uint8Array): string =>
  typeof value === 'string' ? value : `0x${Buffer.from(value).toString('hex')}`;
