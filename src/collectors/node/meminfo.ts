// /proc/meminfo: proc_meminfo(5), Documentation/filesystems/proc.rst of the kernel. Present on every Linux host; its
// lines depend on the kernel.
import { parseMeminfo } from '../../host/meminfo.ts';
import { type Family, gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

/** The lines that are exported. node_exporter has kept to this list since 1.9, so newer lines of the kernel are not. */
const SIZES: readonly (readonly [line: string, help: string])[] = [
  ['MemTotal', 'Usable RAM: physical memory without reserved ranges and the code of the kernel.'],
  ['MemFree', 'Unused RAM.'],
  ['MemAvailable', 'Estimate of the memory available to new processes without swapping.'],
  ['Buffers', 'Page cache of raw block devices.'],
  ['Cached', 'Page cache of files, including tmpfs and shared memory, without SwapCached.'],
  ['SwapCached', 'Memory that was swapped in again and is still in swap as well.'],
  ['Active', 'Memory used recently, which is reclaimed last.'],
  ['Inactive', 'Memory not used recently, which is reclaimed first.'],
  ['Active(anon)', 'Anonymous memory used recently.'],
  ['Inactive(anon)', 'Anonymous memory not used recently.'],
  ['Active(file)', 'Page cache used recently.'],
  ['Inactive(file)', 'Page cache not used recently.'],
  ['Unevictable', 'Memory that cannot be reclaimed, such as locked pages.'],
  ['Mlocked', 'Memory locked with mlock.'],
  ['SwapTotal', 'Total swap space.'],
  ['SwapFree', 'Unused swap space.'],
  ['Zswap', 'Memory used by zswap (compressed size).'],
  ['Zswapped', 'Anonymous memory stored in zswap (original size).'],
  ['Dirty', 'Memory waiting to be written back to disk.'],
  ['Writeback', 'Memory being written back to disk.'],
  ['AnonPages', 'Anonymous memory mapped by processes.'],
  ['Mapped', 'Files mapped into memory, such as libraries.'],
  ['Shmem', 'Shared memory and tmpfs.'],
  ['Slab', 'Memory that the kernel uses to cache its data structures (slab).'],
  ['SReclaimable', 'Slab memory that can be reclaimed, such as caches.'],
  ['SUnreclaim', 'Slab memory that cannot be reclaimed.'],
  ['KernelStack', 'Kernel stacks of all tasks.'],
  ['PageTables', 'Memory used for page tables.'],
  ['NFS_Unstable', 'NFS pages sent to the server but not yet committed; 0 on newer kernels.'],
  ['Bounce', 'Bounce buffers of block devices; 0 on newer kernels.'],
  ['WritebackTmp', 'Temporary writeback buffers of FUSE.'],
  ['CommitLimit', 'Memory that can be allocated in total under strict overcommit (vm.overcommit_memory=2).'],
  ['Committed_AS', 'Memory allocated by processes, whether they have used it or not.'],
  ['VmallocTotal', 'Size of the vmalloc address space.'],
  ['VmallocUsed', 'Used part of the vmalloc address space.'],
  ['VmallocChunk', 'Largest free block of the vmalloc address space; 0 on newer kernels.'],
  ['Percpu', 'Memory allocated for per-CPU data.'],
  ['HardwareCorrupted', 'Memory taken out of use because the hardware reported it as corrupted.'],
  ['AnonHugePages', 'Anonymous memory in transparent huge pages.'],
  ['ShmemHugePages', 'Shared memory and tmpfs in huge pages.'],
  ['ShmemPmdMapped', 'Shared memory and tmpfs mapped by processes as huge pages.'],
  ['CmaTotal', 'Memory reserved for the contiguous memory allocator (CMA).'],
  ['CmaFree', 'Free memory of the contiguous memory allocator (CMA).'],
  ['Hugepagesize', 'Default size of a huge page.'],
  ['DirectMap4k', 'RAM that the kernel maps with pages of 4 KiB.'],
  ['DirectMap2M', 'RAM that the kernel maps with pages of 2 MiB.'],
  ['DirectMap1G', 'RAM that the kernel maps with pages of 1 GiB.'],
];
const COUNTS: readonly (readonly [line: string, help: string])[] = [
  ['HugePages_Total', 'Huge pages in the pool.'],
  ['HugePages_Free', 'Huge pages in the pool that are not allocated.'],
  ['HugePages_Rsvd', 'Huge pages in the pool that are reserved but not yet allocated.'],
  ['HugePages_Surp', 'Surplus huge pages: those above vm.nr_hugepages.'],
];

const families: ReadonlyMap<string, Family> = new Map([
  ...SIZES.map(([line, help]) => [line, gauge(`node_memory_${metricPart(line)}_bytes`, help)] as const),
  ...COUNTS.map(([line, help]) => [line, gauge(`node_memory_${line}`, help)] as const),
]);

/** Memory by use. */
export const meminfo = defineCollector({
  name: 'meminfo',
  enabled: true,
  summary: 'Memory by use, from `/proc/meminfo`.',
  options: NO_OPTIONS,
  families: [...families.values()],
  create({ host }) {
    const path = host.proc('meminfo');
    return (out) => {
      const values = parseMeminfo(out, path, host.read(path), families);
      for (const [line, family] of families) {
        const value = values.get(line);
        if (value !== undefined) out.add(family, value);
      }
    };
  },
});

/** `Active(anon)` in a metric name, `Active_anon`. */
export function metricPart(line: string): string {
  return line.replace('(', '_').replace(')', '');
}
