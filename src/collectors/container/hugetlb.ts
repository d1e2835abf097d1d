// Huge pages of a cgroup: the files hugetlb.<size>.* of both versions, Documentation/admin-guide/mm/hugetlbpage.rst.
import type { Host } from '../../host/host.ts';
import type { CgroupFiles } from './cgroup-files.ts';
import { amount, type HugePages } from './reading.ts';

/** The sizes of huge pages that this machine has, as cgroups name them. */
export function hugePageSizes(host: Host): string[] {
  return host.listIfExists(host.sys('kernel/mm/hugepages')).flatMap((name) => {
    const [, kibibytes] = /^hugepages-(\d{1,12})kB$/.exec(name) ?? [];
    return kibibytes === undefined ? [] : [sizeName(Number(kibibytes))];
  });
}

function sizeName(kibibytes: number): string {
  if (kibibytes >= 2 ** 20) return `${Math.floor(kibibytes / 2 ** 20)}GB`;
  return kibibytes >= 2 ** 10 ? `${kibibytes >> 10}MB` : `${kibibytes}KB`;
}

/** Reads those of one cgroup in v2, where the kernel records no peak. */
export const hugePagesOfV2 = (files: CgroupFiles, folder: string, sizes: readonly string[]): HugePages[] =>
  reported(
    sizes.map((size) => ({
      size,
      usage: files.value(folder, `hugetlb.${size}.current`, amount),
      peak: undefined,
      limitHits: files.open(folder, `hugetlb.${size}.events`) ? files.count('max') : undefined,
    })),
  );

/** Reads those of one cgroup in v1. */
export const hugePagesOfV1 = (files: CgroupFiles, folder: string | undefined, sizes: readonly string[]): HugePages[] =>
  reported(
    sizes.map((size) => ({
      size,
      usage: files.value(folder, `hugetlb.${size}.usage_in_bytes`, amount),
      peak: files.value(folder, `hugetlb.${size}.max_usage_in_bytes`, amount),
      limitHits: files.value(folder, `hugetlb.${size}.failcnt`, amount),
    })),
  );

/** Empty without the controller. */
const reported = (pages: readonly HugePages[]): HugePages[] =>
  pages.filter(({ usage, limitHits }) => usage !== undefined || limitHits !== undefined);
