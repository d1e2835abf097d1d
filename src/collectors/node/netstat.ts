// /proc/net/{netstat,snmp,snmp6}: proc_pid_net(5), RFC 4293 and others for the names. snmp6 is absent without IPv6.
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { MalformedFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { type Losses, words } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { integer } from '../../host/numbers.ts';
import { recordsOfFile } from '../../host/records.ts';
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
  whenEmpty: 'no counter matches the options, or the kernel has none of the files',
  families: [],
  create({ host }, { fields }) {
    const paired = [netPath(host, 'netstat'), netPath(host, 'snmp')];
    const snmp6 = netPath(host, 'snmp6');
    const families = new FamilyCache('untyped');
    // Hundreds of fields, of which a tenth is wanted: the expression is tried once a name, not once a cycle.
    const wanted = new Map<string, boolean>();
    const isWanted = (key: string): boolean => {
      const known = wanted.get(key);
      if (known !== undefined) return known;
      const answer = fields.test(key);
      if (wanted.size < MAX_FIELDS) wanted.set(key, answer);
      return answer;
    };
    return (out) => {
      const add: Add = (protocol, field, value) => {
        const key = `${protocol}_${field}`;
        if (isWanted(key))
          out.add(families.get(`node_netstat_${key}`, `${protocol} counter ${field}.`), integer(value));
      };
      for (const path of paired) readPairs(out, host, path, add);
      readSnmp6(out, host, snmp6, add);
    };
  },
});

/** Ten times what the kernel has. */
const MAX_FIELDS = 5000;

/** Takes one field; the value is still text, since most fields are not wanted. */
type Add = (protocol: string, field: string, value: string) => void;

/** Pairs of lines, the first with the names, the second with the values: `Tcp: InSegs OutSegs`, `Tcp: 10 20`. */
function readPairs(lost: Snapshot, host: Host, path: string, add: Add): void {
  let names: string[] | undefined;
  let namesLine = 0;
  const loseNames = (head: string | undefined) =>
    lost.lose(path, new MalformedFile(path, namesLine, `the line with the values of ${head} is missing`));
  recordsOfFile(lost, host, path, (line, number) => {
    const columns = words(line);
    const expected = names;
    const [head = ''] = columns;
    if (!head.endsWith(':')) throw new Error('expected a protocol, a colon and names or values');
    // Two lines of names in a row: the first is without its values.
    names = expected?.[0] === head ? undefined : columns;
    if (expected !== undefined && expected[0] !== head) loseNames(expected[0]);
    if (names !== undefined) {
      namesLine = number;
      return;
    }
    if (expected === undefined) return;
    if (columns.length !== expected.length) throw new Error(`the values do not fit to the names of ${head}`);
    const protocol = head.slice(0, -1);
    for (let index = 1; index < columns.length; index++) {
      const field = expected[index] as string;
      lost.attempt(`${path} ${protocol}_${field}`, () => add(protocol, field, columns[index] as string));
    }
  });
  if (names !== undefined) loseNames(names[0]);
}

/** One field a line, `Icmp6InMsgs 7`: the protocol ends with the first 6. */
function readSnmp6(lost: Losses, host: Host, path: string, add: Add): void {
  recordsOfFile(lost, host, path, (line) => {
    const [name = '', value] = words(line);
    const end = name.indexOf('6') + 1;
    if (end === 0) throw new Error('expected a name with a 6 in it');
    if (value === undefined) throw new Error(`${name} has no value`);
    add(name.slice(0, end), name.slice(end), value);
  });
}
