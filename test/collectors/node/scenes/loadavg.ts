import type { Scene } from '../../../kit/scene.ts';

export const scene: Scene = {
  files: { 'proc/loadavg': '0.02 1.5 12 1/719 19737\n' },
  lines: ['node_load1 0.02', 'node_load15 12', 'node_load5 1.5'],
  more: [
    {
      what: 'a truncated file is an error that names path and line',
      files: { 'proc/loadavg': '0.02 1.' },
      outcome: 'fault',
      messages: [/proc\/loadavg:1: expected a number, found nothing/],
    },
  ],
};
