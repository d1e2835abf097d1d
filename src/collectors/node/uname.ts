// /proc/sys/kernel, the files of uname(2): proc_sys_kernel(5). There on every Linux host. The kernel shows each reader
// the host name of its own UTS namespace: that of the host needs hostNetwork, or hostname in the pod's specification.
import { machine } from 'node:os';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

/** Files in the order of the labels, `machine` apart, which older kernels have no file for. */
const FILES = ['ostype', 'osrelease', 'version', 'hostname', 'domainname'];
const info = gauge('node_uname_info', 'Kernel, architecture and host name; always 1.', [
  'sysname',
  'release',
  'version',
  'nodename',
  'domainname',
  'machine',
]);

/** What uname(2) tells. */
export const uname = defineCollector({
  name: 'uname',
  enabled: true,
  summary: 'Kernel, architecture and host name, from `/proc/sys/kernel`.',
  options: NO_OPTIONS,
  families: [info],
  create({ host }) {
    return (out) => {
      out.add(info, 1, ...FILES.map((file) => host.read(host.proc('sys/kernel', file)).trim()), machine());
    };
  },
});
