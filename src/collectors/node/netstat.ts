// /proc/net/{netstat,snmp,snmp6}: proc_pid_net(5), RFC 4293 and others for the names. snmp6 is absent without IPv6.
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { eachLine, words } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { integer } from '../../host/numbers.ts';
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
      for (const path of paired) parsePairs(path, host.read(path), add);
      parseSnmp6(snmp6, host.readIfExists(snmp6) ?? '', add);
    };
  },
});

/** Ten times what the kernel has. */
const MAX_FIELDS = 5000;

/** Takes one field; the value is still text, since most fields are not wanted. */
type Add = (protocol: string, field: string, value: string) => void;

/** Pairs of lines, the first with the names, the second with the values: `Tcp: InSegs OutSegs`, `Tcp: 10 20`. */
export function parsePairs(path: string, text: string, add: Add): void {
  let names: string[] | undefined;
  eachLine(path, text, (line) => {
    const columns = words(line);
    if (names === undefined) {
      names = columns;
      return;
    }
    const [head = ''] = columns;
    if (head !== names[0] || columns.length !== names.length) {
      throw new Error(`the values do not fit to the names of ${names[0]}`);
    }
    const protocol = head.slice(0, -1);
    for (let index = 1; index < columns.length; index++) {
      add(protocol, names[index] as string, columns[index] as string);
    }
    names = undefined;
  });
  if (names !== undefined) throw new Error(`${path}: the line with the values of ${names[0]} is missing`);
}

/** One field a line, `Icmp6InMsgs 7`: the protocol ends with the first 6. */
export function parseSnmp6(path: string, text: string, add: Add): void {
  eachLine(path, text, (line) => {
    const [name = '', value] = words(line);
    const end = name.indexOf('6') + 1;
    if (end === 0) return;
    if (value === undefined) throw new Error(`${name} has no value`);
    add(name.slice(0, end), name.slice(end), value);
  });
}
