// /proc/net/xfrm_stat: Documentation/networking/xfrm_proc.rst of the kernel. Absent without
// CONFIG_XFRM_STATISTICS.
import { eachRecord, words } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { count } from '../../host/numbers.ts';
import { counter, type Family } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

/** Lines without `Xfrm`, and why the packets were dropped. Newer kernels have more lines. */
const LINES: Readonly<Record<string, string>> = {
  InError: 'inbound, other errors',
  InBufferError: 'inbound, no buffer left',
  InHdrError: 'inbound, header error',
  InNoStates: 'inbound, no state found (wrong SPI, address or protocol)',
  InStateProtoError: 'inbound, protocol error, such as a wrong key',
  InStateModeError: 'inbound, mode error',
  InStateSeqError: 'inbound, sequence number outside the window',
  InStateExpired: 'inbound, state expired',
  InStateMismatch: 'inbound, options of the state do not match, such as the UDP encapsulation type',
  InStateInvalid: 'inbound, invalid state',
  InTmplMismatch: 'inbound, no matching template for the states',
  InNoPols: 'inbound, no policy found for the states',
  InPolBlock: 'inbound, discarded by policy',
  InPolError: 'inbound, policy error',
  OutError: 'outbound, other errors',
  OutBundleGenError: 'outbound, bundle generation error',
  OutBundleCheckError: 'outbound, bundle check error',
  OutNoStates: 'outbound, no state found',
  OutStateProtoError: 'outbound, protocol error',
  OutStateModeError: 'outbound, mode error',
  OutStateSeqError: 'outbound, sequence number overflow',
  OutStateExpired: 'outbound, state expired',
  OutPolBlock: 'outbound, discarded by policy',
  OutPolDead: 'outbound, dead policy',
  OutPolError: 'outbound, policy error',
  FwdHdrError: 'forwarding not allowed',
  OutStateInvalid: 'outbound, invalid state, perhaps expired',
  AcquireError: 'state not fully acquired before use',
};

/** `InStateSeqError` → `in_state_seq_error`. */
const snakeCase = (text: string): string => text.replaceAll(/(?!^)[A-Z]/g, '_$&').toLowerCase();

const families = new Map<string, Family>(
  Object.entries(LINES).map(([line, reason]) => [
    `Xfrm${line}`,
    counter(`node_xfrm_${snakeCase(line)}_packets_total`, `IPsec packets dropped: ${reason}.`),
  ]),
);

/** Packets dropped by IPsec. */
export const xfrm = defineCollector({
  name: 'xfrm',
  enabled: false,
  summary: 'Packets dropped by IPsec, by reason, from `/proc/net/xfrm_stat`.',
  options: NO_OPTIONS,
  families: [...families.values()],
  create({ host }) {
    const path = netPath(host, 'xfrm_stat');
    return (out) => {
      eachRecord(out, path, host.read(path), (line) => {
        const [name = '', value] = words(line);
        const family = families.get(name);
        const packets = count(value);
        if (family) out.add(family, packets);
      });
    };
  },
});
