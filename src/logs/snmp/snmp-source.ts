import type { LogEntry } from '../entry.ts';
import { feedSource } from '../queue-source.ts';
import type { LogSourceType } from '../source.ts';
import type { LogWorld } from '../world.ts';
import type { Arrival } from './trap-feed.ts';

/** Traps of the collector `snmp`. */
export const snmpSource = (world: LogWorld): LogSourceType =>
  feedSource(world, {
    name: 'snmp',
    items: 'SNMP traps',
    feed: world.traps,
    entries: () => {
      let number = 0;
      return (arrival: Arrival) => trapEntry(arrival, world.labels, number++);
    },
  });

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
