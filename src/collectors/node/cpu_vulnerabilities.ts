// /sys/devices/system/cpu/vulnerabilities: Documentation/ABI/testing/sysfs-devices-system-cpu. Absent before Linux 4.15.
import { join } from 'node:path';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const info = gauge('node_cpu_vulnerabilities_info', 'Always 1; state of a hardware vulnerability.', [
  'codename',
  'state',
  'mitigation',
]);
const STATES = ['not affected', 'vulnerable', 'mitigation', 'unknown'];

/** Hardware vulnerabilities. */
export const cpuVulnerabilities = defineCollector({
  name: 'cpu_vulnerabilities',
  enabled: false,
  summary: 'Hardware vulnerabilities and their mitigations, from `/sys/devices/system/cpu/vulnerabilities`.',
  options: NO_OPTIONS,
  whenEmpty: 'the kernel lists no vulnerabilities',
  families: [info],
  create({ host }) {
    const folder = host.sys('devices/system/cpu/vulnerabilities');
    return (out) => {
      for (const codename of host.listIfExists(folder)) {
        out.attempt(codename, () => {
          const text = host.attribute(join(folder, codename));
          if (text !== undefined) out.add(info, 1, codename, ...parseVulnerability(text));
        });
      }
    };
  },
});

/** State and mitigation, of `Mitigation: PTI`, `Not affected`, `Vulnerable, KVM: SW loop`, or unknown text. */
export function parseVulnerability(text: string): [state: string, mitigation: string] {
  const lower = text.toLowerCase();
  const state = STATES.find((known) => lower.startsWith(known));
  if (state === undefined) return ['unknown', text];
  const blank = text.indexOf(' ');
  return [state, state === 'not affected' || blank === -1 ? '' : text.slice(blank + 1)];
}
