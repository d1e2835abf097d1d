import type { Scene } from '../../../kit/scene.ts';

const SOCKETS = [
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
  '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0 100 0 0 10 0',
  '   1: 0100007F:1F91 0100007F:1F90 01 00000015:00000001 00:00000000 00000000     0        0 12346 1 0 20 4 30 10 -1',
  '',
].join('\n');

export const scene: Scene = {
  files: { 'proc/net/tcp': SOCKETS, 'proc/net/tcp6': SOCKETS },
  lines: [
    'node_tcp_connection_states{state="established"} 2',
    'node_tcp_connection_states{state="listen"} 2',
    'node_tcp_connection_states{state="rx_queued_bytes"} 2',
    'node_tcp_connection_states{state="tx_queued_bytes"} 42',
  ],
  // Series count sockets. Numbers are hexadecimal, with or without 0x.
  leniency: { sums: /^node_tcp_/, skip: /words for a number/ },
};
