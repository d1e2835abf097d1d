// /proc/net/xfrm_stat: Documentation/networking/xfrm_proc.rst of the kernel. Absent without
// CONFIG_XFRM_STATISTICS.
import { eachRecord, words } from '../../host/lines.ts';
import { netPath } from '../../host/net-files.ts';
import { count } from '../../host/numbers.ts';
import { counter, type Family } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

/** Words of the lines, without Xfrm. Newer kernels have more lines. */
const LINES = words(
  'InError InBufferError InHdrError InNoStates InStateProtoError InStateModeError InStateSeqError InStateExpired ' +
    'InStateMismatch InStateInvalid InTmplMismatch InNoPols InPolBlock InPolError OutError OutBundleGenError ' +
    'OutBundleCheckError OutNoStates OutStateProtoError OutStateModeError OutStateSeqError OutStateExpired ' +
    'OutPolBlock OutPolDead OutPolError FwdHdrError OutStateInvalid AcquireError',
);

/** `InStateSeqError` → `in_state_seq_error`. */
const snakeCase = (text: string): string => text.replaceAll(/(?!^)[A-Z]/g, '_$&').toLowerCase();

const families = new Map<string, Family>(
  LINES.map((line) => {
    const name = snakeCase(line);
    return [
      `Xfrm${line}`,
      counter(`node_xfrm_${name}_packets_total`, `IPsec packets dropped: ${name.replaceAll('_', ' ')}.`),
    ];
  }),
);

/** Packets that IPsec refused. */
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
