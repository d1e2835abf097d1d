// /sys/class/nvme: drivers/nvme/host/sysfs.c of the kernel. Absent without NVMe controllers.
import type { Host } from '../../host/host.ts';
import { count } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const info = gauge('node_nvme_info', 'Always 1; controller information.', [
  'device',
  'firmware_revision',
  'model',
  'serial',
  'state',
  'cntlid',
]);
const INFO_FILES = ['firmware_rev', 'model', 'serial', 'state', 'cntlid'];

const NAMESPACE = ['device', 'nsid'];
const namespaceInfo = gauge('node_nvme_namespace_info', 'Always 1; asymmetric namespace access (ANA) state.', [
  ...NAMESPACE,
  'ana_state',
]);
const size = gauge(
  'node_nvme_namespace_size_bytes',
  'Size of the namespace; too large unless its blocks have 512 bytes.',
  NAMESPACE,
);
const capacity = gauge(
  'node_nvme_namespace_capacity_bytes',
  'Capacity of the namespace; always equal to its size.',
  NAMESPACE,
);
const used = gauge(
  'node_nvme_namespace_used_bytes',
  'Used bytes of the namespace, as reported by the controller.',
  NAMESPACE,
);
const blockSize = gauge(
  'node_nvme_namespace_logical_block_size_bytes',
  'Logical block size of the namespace.',
  NAMESPACE,
);

/** A namespace below its controller; with native multipath, one path to it (`nvme0c1n1`). */
const NAMESPACE_NAME = /^nvme\d+(?:c\d+)?n(\d+)$/;

/** NVMe controllers and their namespaces. */
export const nvme = defineCollector({
  name: 'nvme',
  enabled: true,
  summary: 'NVMe controllers and their namespaces, from `/sys/class/nvme`.',
  options: NO_OPTIONS,
  whenEmpty: 'no NVMe controllers found',
  families: [info, namespaceInfo, size, capacity, used, blockSize],
  create({ host }) {
    const folder = host.sys('class/nvme');
    return (out) => {
      for (const device of host.list(folder)) {
        out.attempt(device, () => addController(out, host, device, `${folder}/${device}`));
      }
    };
  },
});

function addController(out: Snapshot, host: Host, device: string, folder: string): void {
  const names = host.listIfExists(folder);
  if (names.length === 0) return;
  out.add(info, 1, device, ...INFO_FILES.map((file) => host.attribute(`${folder}/${file}`) ?? ''));
  for (const name of names) {
    const [, nsid] = NAMESPACE_NAME.exec(name) ?? [];
    if (nsid !== undefined) out.attempt(name, () => addNamespace(out, host, [device, nsid], `${folder}/${name}`));
  }
}

function addNamespace(out: Snapshot, host: Host, labels: readonly [string, string], folder: string): void {
  const attribute = (file: string) => host.attribute(`${folder}/${file}`);
  out.add(namespaceInfo, 1, ...labels, attribute('ana_state') ?? 'unknown');
  const blocks = attribute('size');
  const block = attribute('queue/logical_block_size');
  if (block === undefined) return;
  // Exact, because the size of a block is a power of 2.
  const bytes = (text: string) => count(text) * count(block);
  out.add(blockSize, count(block), ...labels);
  if (blocks !== undefined) {
    // sysfs counts sectors of 512 bytes, so the product is wrong for others; it is node_exporter's.
    out.add(size, bytes(blocks), ...labels);
    out.add(capacity, bytes(blocks), ...labels);
  }
  const usedBlocks = attribute('nuse');
  if (usedBlocks !== undefined) out.add(used, bytes(usedBlocks), ...labels);
}
