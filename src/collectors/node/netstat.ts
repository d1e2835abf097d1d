// /proc/net/{netstat,snmp,snmp6} (host/net-snmp.ts).
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { netPath } from '../../host/net-files.ts';
import { type FieldChoice, parseSnmp6, SnmpPairs } from '../../host/net-snmp.ts';
import type { Family } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';
import { FamilyCache } from './family-cache.ts';

const DEFAULT_FIELDS =
  '^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)' +
  '|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)' +
  '|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)' +
  '|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$';

const options = z.strictObject({
  fields: pattern().prefault(DEFAULT_FIELDS).describe('Include only fields whose `<protocol>_<field>` matches.'),
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
    const familyOf: FieldChoice<Family> = (protocol, field) => {
      const key = `${protocol}_${field}`;
      if (known.has(key)) return known.get(key);
      const family = fields.test(key)
        ? families.get(`node_netstat_${key}`, `${protocol} counter ${field}.`)
        : undefined;
      if (known.size < MAX_FIELDS) known.set(key, family);
      return family;
    };
    const pairs = new SnmpPairs(familyOf);
    return (out) => {
      const add = (family: Family, value: number) => out.add(family, value);
      const read = (path: string, parse: (text: string) => void) =>
        out.attempt(path, () => {
          const text = host.readIfExists(path);
          if (text !== undefined) parse(text);
        });
      for (const path of paired) read(path, (text) => pairs.parse(out, path, text, add));
      read(snmp6, (text) => parseSnmp6(out, snmp6, text, familyOf, add));
    };
  },
});

/** Ten times the number that the kernel has. */
const MAX_FIELDS = 5000;
