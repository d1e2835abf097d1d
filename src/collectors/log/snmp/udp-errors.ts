// Datagrams that the kernel received but dropped: /proc/net/snmp and snmp6 (host/net-snmp.ts).
import { existsSync } from 'node:fs';
import { readText } from '../../../base/files.ts';
import { type FieldChoice, parseSnmp6, SnmpPairs } from '../../../host/net-snmp.ts';
import type { Snapshot } from '../../../metrics/snapshot.ts';
import { snmpUdpErrors } from '../families.ts';

const MAX_PROC_BYTES = 64 * 1024;

/** InErrors is their sum, and therefore omitted. */
const ERRORS: ReadonlySet<string> = new Set(['RcvbufErrors', 'InCsumErrors', 'MemErrors']);

const PROTOCOLS: Readonly<Record<string, string>> = { Udp: 'udp', Udp6: 'udp6' };

/** The labels of {@link snmpUdpErrors}. */
type ErrorLabels = readonly [protocol: string, error: string];

const labelsOf: FieldChoice<ErrorLabels> = (protocol, field) => {
  const label = PROTOCOLS[protocol];
  return label !== undefined && ERRORS.has(field) ? [label, field] : undefined;
};

const pairs = new SnmpPairs(labelsOf);

/** Adds the counts by protocol and error, of the network namespace whose files are in the folder `net`. */
export function addUdpErrors(out: Snapshot, net: string): void {
  const add = (labels: ErrorLabels, count: number) => out.add(snmpUdpErrors, count, ...labels);
  const read = (path: string, parse: (text: string) => void) =>
    out.attempt(path, () => parse(readText(path, MAX_PROC_BYTES)));
  read(`${net}/snmp`, (text) => pairs.parse(out, `${net}/snmp`, text, add));
  const snmp6 = `${net}/snmp6`;
  // Absent without IPv6.
  if (existsSync(snmp6)) read(snmp6, (text) => parseSnmp6(out, snmp6, text, labelsOf, add));
}
