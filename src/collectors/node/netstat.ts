// /proc/net/{netstat,snmp,snmp6}: proc_pid_net(5), RFC 4293 and others for the names. snmp6 is absent without IPv6.
import * as z from 'zod';
import { errorText } from '../../base/error-text.ts';
import { pattern } from '../../config/units.ts';
import { MalformedFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { words } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { integer } from '../../host/numbers.ts';
import { recordsOfFile } from '../../host/records.ts';
import type { Family } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';
import { FamilyCache } from './family-cache.ts';

const DEFAULT_FIELDS =
  '^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)' +
  '|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)' +
  '|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)' +
  '|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$';

const options = z.strictObject({
  fields: pattern().prefault(DEFAULT_FIELDS).describe('Which `<protocol>_<field>` to export.'),
});

/** Counters of the network protocols. */
export const netstat = defineCollector({
  name: 'netstat',
  enabled: true,
  summary:
    'Protocol counters `node_netstat_<protocol>_<field>`, from `/proc/net/netstat`, `/proc/net/snmp` and ' +
    '`/proc/net/snmp6`.',
  options,
  whenEmpty: 'no counters match the options, or none of the files exist',
  families: [],
  create({ host }, { fields }) {
    const paired = [netPath(host, 'netstat'), netPath(host, 'snmp')];
    const snmp6 = netPath(host, 'snmp6');
    const families = new FamilyCache('untyped');
    // Hundreds of fields, of which a tenth is exported: the pattern is evaluated once per name, not once per cycle.
    const known = new Map<string, Family | undefined>();
    const familyOf: FamilyOf = (protocol, field) => {
      const key = `${protocol}_${field}`;
      if (known.has(key)) return known.get(key);
      const family = fields.test(key)
        ? families.get(`node_netstat_${key}`, `${protocol} counter ${field}.`)
        : undefined;
      if (known.size < MAX_FIELDS) known.set(key, family);
      return family;
    };
    const headers = new Headers(familyOf);
    return (out) => {
      for (const path of paired) readPairs(out, host, path, headers);
      readSnmp6(out, host, snmp6, familyOf);
    };
  },
});

/** Ten times the number that the kernel has. */
const MAX_FIELDS = 5000;
const MAX_HEADERS = 100;

/** The family of a field; undefined if it is not selected. */
type FamilyOf = (protocol: string, field: string) => Family | undefined;

/** A line with the names of a protocol's fields. */
interface Header {
  /** Protocol with its colon. */
  readonly head: string;
  readonly columns: number;
  readonly wanted: readonly { readonly column: number; readonly field: string; readonly family: Family }[];
  /** Why fields have no valid metric name; each only loses its own column. */
  readonly damaged: readonly string[];
}

/** The lines with names are the same in each cycle: each is split once. */
class Headers {
  readonly #familyOf: FamilyOf;
  readonly #known = new Map<string, Header>();

  constructor(familyOf: FamilyOf) {
    this.#familyOf = familyOf;
  }

  /** Throws for a line that does not begin with a protocol. */
  parse(line: string): Header {
    const known = this.#known.get(line);
    if (known !== undefined) return known;
    const [head, ...names] = words(line);
    const protocol = protocolOf(head);
    const wanted: Header['wanted'][number][] = [];
    const damaged: string[] = [];
    for (const [index, field] of names.entries()) {
      try {
        const family = this.#familyOf(protocol, field);
        if (family !== undefined) wanted.push({ column: index + 1, field, family });
      } catch (cause) {
        damaged.push(errorText(cause));
      }
    }
    const header = { head: `${protocol}:`, columns: names.length + 1, wanted, damaged };
    if (this.#known.size < MAX_HEADERS) this.#known.set(line, header);
    return header;
  }
}

function protocolOf(head: string | undefined): string {
  if (head?.endsWith(':') !== true) throw new Error('expected a protocol, a colon and names or values');
  return head.slice(0, -1);
}

/** Pairs of lines, the first with the names, the second with the values: `Tcp: InSegs OutSegs`, `Tcp: 10 20`. */
function readPairs(out: Snapshot, host: Host, path: string, headers: Headers): void {
  let header: Header | undefined;
  let headerLine = 0;
  const loseHeader = (head: string) =>
    out.lose(path, new MalformedFile(path, headerLine, `missing values line for ${head}`));
  recordsOfFile(out, host, path, (line, number) => {
    const names = header;
    if (names === undefined || !line.startsWith(`${names.head} `)) {
      header = headers.parse(line);
      for (const reason of header.damaged) out.lose(path, new MalformedFile(path, number, reason));
      // Two lines of names in a row: the first lacks its values.
      if (names !== undefined) loseHeader(names.head);
      headerLine = number;
      return;
    }
    header = undefined;
    const values = words(line);
    if (values.length !== names.columns) throw new Error(`the values do not match the names of ${names.head}`);
    for (const { column, field, family } of names.wanted) {
      try {
        out.add(family, integer(values[column]));
      } catch (cause) {
        out.lose(`${path} ${names.head.slice(0, -1)}_${field}`, cause);
      }
    }
  });
  if (header !== undefined) loseHeader((header as Header).head);
}

/** One field per line, `Icmp6InMsgs 7`: the protocol ends with the first 6. */
function readSnmp6(out: Snapshot, host: Host, path: string, familyOf: FamilyOf): void {
  recordsOfFile(out, host, path, (line) => {
    const [name = '', value] = words(line);
    const end = name.indexOf('6') + 1;
    if (end === 0) throw new Error('expected a name with a 6 in it');
    if (value === undefined) throw new Error(`${name} has no value`);
    const family = familyOf(name.slice(0, end), name.slice(end));
    if (family !== undefined) out.add(family, integer(value));
  });
}
