// selinuxfs, /sys/fs/selinux, and /etc/selinux/config: selinux(8). If SELinux is disabled, only node_selinux_enabled 0
// is exported.
import type { Host } from '../../host/host.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const enabled = gauge('node_selinux_enabled', 'Whether SELinux is enabled.');
const configMode = gauge('node_selinux_config_mode', 'Configured mode: 1 enforcing, 0 permissive, -1 disabled.');
const currentMode = gauge('node_selinux_current_mode', 'Current mode: 1 enforcing, 0 permissive, -1 disabled.');

const MODES: Readonly<Record<string, number>> = { enforcing: 1, permissive: 0 };
const DISABLED = -1;

/** SELinux. */
export const selinux = defineCollector({
  name: 'selinux',
  enabled: true,
  summary: 'Whether SELinux is enabled and enforcing, from `/sys/fs/selinux` and `/etc/selinux/config`.',
  options: NO_OPTIONS,
  families: [enabled, configMode, currentMode],
  create({ host }) {
    const enforcePath = host.sys('fs/selinux/enforce');
    const configPath = host.root('/etc/selinux/config');
    return (out) => {
      const enforcing = host.exists(enforcePath) ? host.attribute(enforcePath) : undefined;
      const isOn = enforcing !== undefined && hasPolicy(host);
      out.add(enabled, isOn ? 1 : 0);
      if (!isOn) return;
      const mode = /^\s*SELINUX\s*=\s*(\w+)/m.exec(host.readIfExists(configPath) ?? '')?.[1] ?? '';
      out.add(configMode, MODES[mode.toLowerCase()] ?? DISABLED);
      out.add(currentMode, enforcing === '1' ? 1 : enforcing === '0' ? 0 : DISABLED);
    };
  },
});

/** Before a policy is loaded, every process has the context `kernel`, which ends with a NUL. */
function hasPolicy(host: Host): boolean {
  return host.attribute(host.proc('self/attr/current'))?.replace(/\0.*$/s, '') !== 'kernel';
}
