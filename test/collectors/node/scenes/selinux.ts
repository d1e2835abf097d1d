import type { Scene } from '../../../kit/scene.ts';

/** A host in enforcing mode; hardware.test.ts has the other modes. */
export const scene: Scene = {
  files: {
    'sys/fs/selinux/enforce': '1',
    'proc/self/attr/current': 'system_u:system_r:init_t:s0\0',
    'etc/selinux/config': '# a comment\nSELINUX=enforcing\nSELINUXTYPE=targeted\n',
  },
  lines: ['node_selinux_config_mode 1', 'node_selinux_current_mode 1', 'node_selinux_enabled 1'],
  // -1 for a mode that is none of the known ones.
  leniency: { signed: /_mode$/ },
  linesWithoutFiles: ['node_selinux_enabled 0'],
};
