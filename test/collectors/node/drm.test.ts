import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drm } from '../../../src/collectors/node/drm.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';

const CARD = 'sys/class/drm/card0/device';
// Values of the kind that amdgpu prints; no recorded tree has a card.
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
  'sys/class/drm/card0-DP-1/status': 'connected\n',
  'sys/class/drm/card1/device/uevent': 'DRIVER=i915\n',
};

test('a card of amdgpu: who it is, how busy, its memory; connectors and other drivers give nothing', async (context) => {
  const { lines, result } = await collectOnce(drm, hostTree(context, FILES));
  assert.deepEqual(result.errors, []);
  assert.deepEqual(lines, [
    'node_drm_card_info{card="card0",memory_vendor="samsung",power_performance_level="manual",unique_id="0123456789abcdef",vendor="amd"} 1',
    'node_drm_gpu_busy_percent{card="card0"} 4',
    'node_drm_memory_gtt_size_bytes{card="card0"} 8573157376',
    'node_drm_memory_gtt_used_bytes{card="card0"} 144560128',
    'node_drm_memory_vis_vram_size_bytes{card="card0"} 8573157376',
    'node_drm_memory_vis_vram_used_bytes{card="card0"} 1490378752',
    'node_drm_memory_vram_size_bytes{card="card0"} 8573157376',
    'node_drm_memory_vram_used_bytes{card="card0"} 1490378752',
  ]);
});

test('a file that says nonsense costs its series; one that is missing is not 0', async (context) => {
  const { [`${CARD}/gpu_busy_percent`]: _, ...files } = { ...FILES, [`${CARD}/mem_info_vram_used`]: 'lots\n' };
  const { lines, result } = await collectOnce(drm, hostTree(context, files));
  assert.equal(result.errors.length, 1);
  assert.match(String(result.errors[0]), /mem_info_vram_used:1: expected a number, found "lots"/);
  assert.equal(lines.length, 6);
  assert.equal(lines.filter((line) => /busy|vram_used_bytes\{/.test(line) && !line.includes('vis')).length, 0);
});

test('no card of amdgpu is no data, with the reason', async (context) => {
  const { result } = await collectOnce(
    drm,
    hostTree(context, { 'sys/class/drm/card1/device/uevent': 'DRIVER=i915\n' }),
  );
  assert.equal(result.outcome, 'nodata');
  assert.match(String(result.reason ?? ''), /amdgpu/);
});
