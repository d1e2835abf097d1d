// /proc/net/sockstat and sockstat6: proc_pid_net(5); written by net/ipv4/proc.c. sockstat6 is absent without IPv6.
import { kernelUnits } from '../../host/auxv.ts';
import { words } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { integer } from '../../host/numbers.ts';
import { recordsOfFile } from '../../host/records.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';
import { FamilyCache } from './family-cache.ts';

/** The socket values of a protocol, in the order of export. */
const KEYS = [
  ['inuse', 'sockets in use'],
  ['orphan', 'orphaned sockets'],
  ['tw', 'sockets in TIME_WAIT'],
  ['alloc', 'sockets allocated'],
  ['mem', 'pages of memory for buffers'],
  ['memory', 'bytes of memory for fragments'],
] as const;

/** Of the protocols FRAG and FRAG6, which have no sockets. */
const FRAGMENTED = 'packets being reassembled from fragments';

const used = gauge('node_sockstat_sockets_used', 'Sockets of all protocols in use.');

/** Sockets by protocol. */
export const sockstat = defineCollector({
  name: 'sockstat',
  enabled: true,
  summary:
    'Sockets in use and their memory, `node_sockstat_<protocol>_<key>`, from `/proc/net/sockstat` and ' +
    '`/proc/net/sockstat6`.',
  options: NO_OPTIONS,
  whenEmpty: 'the kernel has neither sockstat nor sockstat6',
  families: [used],
  create({ host }) {
    const paths = [netPath(host, 'sockstat'), netPath(host, 'sockstat6')];
    const { pageBytes } = kernelUnits();
    const families = new FamilyCache('gauge');
    const familyOf = (protocol: string, key: string, meaning: string) =>
      families.get(`node_sockstat_${protocol}_${key}`, `${protocol} ${meaning}.`);
    return (out) => {
      for (const path of paths) {
        recordsOfFile(out, host, path, (line) => {
          const { protocol, values } = parseSockets(line);
          if (protocol === 'sockets') {
            const sockets = values.get('used');
            if (sockets !== undefined) out.add(used, sockets);
            return;
          }
          const isFragments = protocol.startsWith('FRAG');
          for (const [key, meaning] of KEYS) {
            const value = values.get(key);
            if (value !== undefined)
              out.add(familyOf(protocol, key, isFragments && key === 'inuse' ? FRAGMENTED : meaning), value);
          }
          const pages = values.get('mem');
          if (pages === undefined) return;
          out.add(familyOf(protocol, 'mem_bytes', 'bytes of memory for buffers'), pages * pageBytes);
        });
      }
    };
  },
});

/** One line: a protocol (or `sockets`) and its counts. */
interface SocketCounts {
  readonly protocol: string;
  readonly values: ReadonlyMap<string, number>;
}

/**
 * A line such as `TCP: inuse 4 orphan 0 tw 4 alloc 17 mem 1`. Numbers have signs: in newer kernels `sockets: used` is a
 * sum over CPUs that the kernel no longer raises to 0 when it is negative.
 */
function parseSockets(line: string): SocketCounts {
  const [protocol = '', ...pairs] = words(line);
  if (pairs.length === 0 || !protocol.endsWith(':')) throw new Error('expected a protocol and its counts');
  const values = new Map<string, number>();
  for (let index = 0; index < pairs.length; index += 2) values.set(pairs[index] ?? '', integer(pairs[index + 1]));
  return { protocol: protocol.slice(0, -1), values };
}
