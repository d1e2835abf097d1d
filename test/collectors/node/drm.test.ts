import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drm } from '../../../src/collectors/node/drm.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';
import { scene } from './scenes/drm.ts';

const CARD = 'sys/class/drm/card0/device';

test('a malformed file skips its series; a missing one is not 0', async (context) => {
  const files: Record<string, string> = { ...scene.files, [`${CARD}/mem_info_vram_used`]: 'lots\n' };
  delete files[`${CARD}/gpu_busy_percent`];
  const { lines, result } = await collectOnce(drm, hostTree(context, files));
  assert.equal(result.errors.length, 1);
  assert.match(String(result.errors[0]), /mem_info_vram_used:1: expected a number, found "lots"/);
  assert.equal(lines.length, 6);
  assert.equal(lines.filter((line) => /busy|vram_used_bytes\{/.test(line) && !line.includes('vis')).length, 0);
});

test('without an amdgpu card there is no data, with the reason', async (context) => {
  const { result } = await collectOnce(
    drm,
    hostTree(context, { 'sys/class/drm/card1/device/uevent': 'DRIVER=i915\n' }),
  );
  assert.equal(result.outcome, 'nodata');
  assert.match(String(result.reason ?? ''), /amdgpu/);
});
