// /sys/class/drm: drivers/gpu/drm/amd/amdgpu of the kernel (Documentation/gpu/amdgpu). Other drivers report none of
// this.
import { countAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const INFO_FILES = {
  memory_vendor: 'mem_info_vram_vendor',
  power_performance_level: 'power_dpm_force_performance_level',
  unique_id: 'unique_id',
};
const info = gauge('node_drm_card_info', 'Always 1; graphics card information.', [
  'card',
  ...Object.keys(INFO_FILES),
  'vendor',
]);

const value = (name: string, help: string) => gauge(`node_drm_${name}`, help, ['card']);
const VALUES = {
  gpu_busy_percent: value('gpu_busy_percent', 'GPU utilization.'),
  mem_info_gtt_total: value('memory_gtt_size_bytes', 'System memory available to the card.'),
  mem_info_gtt_used: value('memory_gtt_used_bytes', 'System memory used by the card.'),
  mem_info_vis_vram_total: value('memory_vis_vram_size_bytes', 'Video memory accessible to the CPU.'),
  mem_info_vis_vram_used: value('memory_vis_vram_used_bytes', 'CPU-accessible video memory in use.'),
  mem_info_vram_total: value('memory_vram_size_bytes', 'Video memory of the card.'),
  mem_info_vram_used: value('memory_vram_used_bytes', 'Video memory in use.'),
};

/** AMD's graphics cards. */
export const drm = defineCollector({
  name: 'drm',
  enabled: false,
  summary: 'Utilization and memory of AMD graphics cards, from `/sys/class/drm/card*/device` of the driver amdgpu.',
  options: NO_OPTIONS,
  whenEmpty: 'no graphics card uses the amdgpu driver',
  families: [info, ...Object.values(VALUES)],
  create({ host }) {
    const folder = host.sys('class/drm');
    return (out) => {
      // card0-DP-1 is a connector of card0.
      const cards = host.list(folder).filter((name) => /^card\d+$/.test(name));
      for (const card of cards) out.attempt(card, () => addCard(out, host, card, `${folder}/${card}/device`));
    };
  },
});

function addCard(out: Snapshot, host: Host, card: string, folder: string): void {
  if (!/^DRIVER=amdgpu$/m.test(host.attribute(`${folder}/uevent`) ?? '')) return;
  out.attempt(card, () => {
    const labels = Object.values(INFO_FILES).map((file) => host.attribute(`${folder}/${file}`) ?? '');
    out.add(info, 1, card, ...labels, 'amd');
  });
  for (const [file, family] of Object.entries(VALUES)) {
    // Cards that are part of the processor lack some of these.
    const path = `${folder}/${file}`;
    out.attempt(path, () => {
      const number = countAttribute(host, path);
      if (number !== undefined) out.add(family, number, card);
    });
  }
}
