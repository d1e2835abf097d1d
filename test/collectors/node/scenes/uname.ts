import { machine } from 'node:os';
import type { Scene } from '../../../kit/scene.ts';

export const scene: Scene = {
  files: {
    'proc/sys/kernel/ostype': 'Linux\n',
    'proc/sys/kernel/osrelease': '6.18.0\n',
    'proc/sys/kernel/version': '#1 SMP\n',
    'proc/sys/kernel/hostname': 'worker-1\n',
    'proc/sys/kernel/domainname': '(none)\n',
  },
  lines: [
    `node_uname_info{sysname="Linux",release="6.18.0",version="#1 SMP",nodename="worker-1",domainname="(none)",machine="${machine()}"} 1`,
  ],
};
