import type { Scene } from '../../../kit/scene.ts';

const CARD = 'sys/class/drm/card0/device';

/** Values of the kind that amdgpu prints; no recorded tree has a card. */
const FILES = {
  [`${CARD}/uevent`]: 'DRIVER=amdgpu\nPCI_CLASS=30000\n',
  [`${CARD}/gpu_busy_percent`]: '4\n',
  [`${CARD}/mem_info_gtt_total`]: '8573157376\n',
  [`${CARD}/mem_info_gtt_used`]: '144560128\n',
  [`${CARD}/mem_info_vis_vram_total`]: '8573157376\n',
  [`${CARD}/mem_info_vis_vram_used`]: '1490378752\n',
  [`${CARD}/mem_info_vram_total`]: '8573157376\n',
  [`${CARD}/mem_info_vram_used`]: '1490378752\n',
  [`${CARD}/mem_info_vram_vendor`]: 'samsung\n',
  [`${CARD}/power_dpm_force_performance_level`]: 'manual\n',
  [`${CARD}/unique_id`]: '0123456789abcdef\n',
  // Connectors and other drivers have no samples.
  'sys/class/drm/card0-DP-1/status': 'connected\n',
  'sys/class/drm/card1/device/uevent': 'DRIVER=i915\n',
};

const LINES = [
  'node_drm_card_info{card="card0",memory_vendor="samsung",power_performance_level="manual",unique_id="0123456789abcdef",vendor="amd"} 1',
  'node_drm_gpu_busy_percent{card="card0"} 4',
  'node_drm_memory_gtt_size_bytes{card="card0"} 8573157376',
  'node_drm_memory_gtt_used_bytes{card="card0"} 144560128',
  'node_drm_memory_vis_vram_size_bytes{card="card0"} 8573157376',
  'node_drm_memory_vis_vram_used_bytes{card="card0"} 1490378752',
  'node_drm_memory_vram_size_bytes{card="card0"} 8573157376',
  'node_drm_memory_vram_used_bytes{card="card0"} 1490378752',
];

export const scene: Scene = {
  files: FILES,
  lines: LINES,
  more: [
    {
      what: 'a malformed file loses only its series',
      files: { ...FILES, [`${CARD}/mem_info_vram_used`]: 'lots\n' },
      lines: LINES.filter((line) => !line.startsWith('node_drm_memory_vram_used_bytes')),
      outcome: 'partial',
      messages: [/mem_info_vram_used:1: expected a number, found "lots"/],
    },
    {
      what: 'a negative value is damage',
      files: { ...FILES, [`${CARD}/gpu_busy_percent`]: '-4\n' },
      lines: LINES.filter((line) => !line.startsWith('node_drm_gpu_busy_percent')),
      outcome: 'partial',
      messages: [/gpu_busy_percent:1: expected a count, found -4/],
    },
    {
      what: 'a missing value is not 0',
      files: { [`${CARD}/uevent`]: 'DRIVER=amdgpu\n', [`${CARD}/mem_info_vram_total`]: '8573157376\n' },
      lines: [
        'node_drm_card_info{card="card0",memory_vendor="",power_performance_level="",unique_id="",vendor="amd"} 1',
        'node_drm_memory_vram_size_bytes{card="card0"} 8573157376',
      ],
      outcome: 'ok',
    },
    {
      what: 'without any card there is no data, with the reason',
      files: { 'sys/class/drm/': '' },
      outcome: 'nodata',
      messages: [/amdgpu/],
    },
    {
      what: 'without an amdgpu card there is no data, with the reason',
      files: { 'sys/class/drm/card1/device/uevent': 'DRIVER=i915\n' },
      outcome: 'nodata',
      messages: [/amdgpu/],
    },
  ],
};
