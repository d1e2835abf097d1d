// /proc/net/ip_vs and ip_vs_stats: ipvsadm(8); written by net/netfilter/ipvs/ip_vs_ctl.c of the kernel. Absent where
// the module ip_vs is not loaded.

import * as z from 'zod';
import { zip } from '../../base/zip.ts';
import { MissingFile } from '../../host/errors.ts';
import { addressText } from '../../host/ip-address.ts';
import { eachLine, eachRecord, filled, type Losses, words } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { count, hexadecimal } from '../../host/numbers.ts';
import { counter, gauge } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';

const totals = [
  counter('node_ipvs_connections_total', 'Connections made.'),
  counter('node_ipvs_incoming_packets_total', 'Packets to the servers.'),
  counter('node_ipvs_outgoing_packets_total', 'Packets from the servers.'),
  counter('node_ipvs_incoming_bytes_total', 'Bytes to the servers.'),
  counter('node_ipvs_outgoing_bytes_total', 'Bytes from the servers.'),
];

const LABELS = ['local_address', 'local_port', 'remote_address', 'remote_port', 'proto', 'local_mark'] as const;

const backendFamilies = (labels: readonly string[]) => ({
  weight: gauge('node_ipvs_backend_weight', 'Weight of the server in the distribution of connections.', labels),
  active: gauge('node_ipvs_backend_connections_active', 'Active connections of the server.', labels),
  inactive: gauge('node_ipvs_backend_connections_inactive', 'Inactive connections of the server.', labels),
});

const options = z.strictObject({
  backendLabels: z
    .array(z.enum(LABELS))
    .default([...LABELS])
    .describe('Labels of the backend metrics; backends with the same labels are summed.'),
});

/** Virtual servers of the kernel's load balancer. */
export const ipvs = defineCollector({
  name: 'ipvs',
  enabled: true,
  summary: 'Totals of all virtual servers, and their backends, from `/proc/net/ip_vs_stats` and `/proc/net/ip_vs`.',
  options,
  families: [...totals, ...Object.values(backendFamilies(LABELS))],
  create({ host }, { backendLabels }) {
    const labels = LABELS.filter((label) => backendLabels.includes(label));
    const families = backendFamilies(labels);
    const statsPath = netPath(host, 'ip_vs_stats');
    const path = netPath(host, 'ip_vs');
    return (out) => {
      if (!host.exists(statsPath) && !host.exists(path)) throw new MissingFile(statsPath);
      out.attempt(statsPath, () => {
        const text = host.readIfExists(statsPath);
        const counts = text === undefined ? [] : parseStats(statsPath, filled(statsPath, text));
        for (const [family, value] of zip(totals, counts)) out.add(family, value);
      });
      const sums = new Map<string, { values: string[]; weight: number; active: number; inactive: number }>();
      const backends = out.attempt(path, () => {
        const text = host.readIfExists(path);
        return text === undefined ? [] : parseBackends(out, path, text);
      });
      for (const backend of backends ?? []) {
        const values = labels.map((label) => backend.labels[label]);
        const key = values.join('\n');
        const sum = sums.get(key) ?? { values, weight: 0, active: 0, inactive: 0 };
        sum.weight += backend.weight;
        sum.active += backend.active;
        sum.inactive += backend.inactive;
        sums.set(key, sum);
      }
      for (const { values, weight, active, inactive } of sums.values()) {
        out.add(families.active, active, ...values);
        out.add(families.inactive, inactive, ...values);
        out.add(families.weight, weight, ...values);
      }
    };
  },
});

/** Two header lines, then a line with five hexadecimal totals; rates follow. */
function parseStats(path: string, text: string): number[] {
  let counts: number[] = [];
  eachLine(path, text, (line, number) => {
    if (number === 3) counts = words(line).map(hexadecimal);
  });
  if (counts.length !== totals.length) throw new Error(`${path}:3: expected ${totals.length} totals`);
  return counts;
}

/** A real server behind a virtual one. */
interface Backend {
  readonly labels: Readonly<Record<(typeof LABELS)[number], string>>;
  readonly weight: number;
  readonly active: number;
  readonly inactive: number;
}

/**
 * Lines of virtual servers, `TCP  C0A80016:0CEA wlc` or `FWM  10001000 wlc`, each followed by lines of its backends,
 * `  -> C0A85216:0CEA      Tunnel  100    248        2`.
 */
function parseBackends(lost: Losses, path: string, text: string): Backend[] {
  const backends: Backend[] = [];
  type Server = Omit<Backend['labels'], 'remote_address' | 'remote_port'>;
  // Undefined after an unreadable virtual server line; then its backends are dropped too.
  let local: Server | undefined;
  eachRecord(lost, path, text, (line) => {
    const [first = '', second = '', , weight, active, inactive] = words(line);
    if (first === 'IP' || first === 'Prot' || second === 'RemoteAddress:Port') return;
    if (first === '->') {
      if (local === undefined) throw new Error('expected this backend to follow a virtual server');
      const [remote_address, remote_port] = endpoint(second);
      const labels = { ...local, remote_address, remote_port };
      backends.push({ labels, weight: count(weight), active: count(active), inactive: count(inactive) });
      return;
    }
    local = undefined;
    if (first === 'FWM') {
      local = { proto: first, local_mark: second, local_address: '', local_port: '0' };
    } else {
      const [local_address, local_port] = endpoint(second);
      local = { proto: first, local_mark: '', local_address, local_port };
    }
  });
  return backends;
}

/** `C0A80016:0CEA` or `[2620:0000:…:0001]:0CEA`, all digits hexadecimal. */
function endpoint(text: string): [address: string, port: string] {
  const colon = text.lastIndexOf(':');
  const digits = text.slice(0, colon).replaceAll(/[[\]:]/g, '');
  if (!/^(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{32})$/.test(digits))
    throw new Error(`${JSON.stringify(text)} is not an endpoint`);
  return [addressText(Buffer.from(digits, 'hex')), String(hexadecimal(text.slice(colon + 1)))];
}
