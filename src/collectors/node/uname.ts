// /proc/sys/kernel, the files of uname(2): proc_sys_kernel(5). Present on every Linux host. The kernel shows each
// reader the host name of its own UTS namespace; in a pod, hostname(5) has that of the host.
import { machine } from 'node:os';
import { WrongNamespace } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { Namespaces } from '../../host/namespaces.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const info = gauge('node_uname_info', 'Always 1; kernel, architecture and host name.', [
  'sysname',
  'release',
  'version',
  'nodename',
  'domainname',
  'machine',
]);

/** The values of uname(2). */
export const uname = defineCollector({
  name: 'uname',
  enabled: true,
  summary:
    'Kernel, architecture and host name, from `/proc/sys/kernel`; in a pod, the name is from the `/etc/hostname` of the host.',
  options: NO_OPTIONS,
  families: [info],
  create({ host, nodeName }) {
    const namespaces = new Namespaces(host);
    return (out) => {
      const file = (name: string) => host.read(host.proc('sys/kernel', name)).trim();
      const hostname = namespaces.isHosts('uts') ? file('hostname') : (staticName(host) ?? nodeName);
      if (hostname === undefined) {
        throw new WrongNamespace("the host name is the pod's; set NODE_NAME, node.mountHostRoot or node.hostNetwork");
      }
      // Older kernels have no file for the last label.
      out.add(info, 1, file('ostype'), file('osrelease'), file('version'), hostname, file('domainname'), machine());
    };
  },
});

/** The host name set at boot; undefined if the host has none of its own. */
function staticName(host: Host): string | undefined {
  const lines = (host.readIfExists(host.root('/etc/hostname')) ?? '').split('\n').map((line) => line.trim());
  const name = lines.find((line) => line !== '' && !line.startsWith('#'));
  // The default in images until the network assigns a name.
  return name === undefined || /^localhost(?:\.|$)/.test(name) ? undefined : name;
}
