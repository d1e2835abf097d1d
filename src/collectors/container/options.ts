import * as z from 'zod';
import { listOf } from '../../config/list-of.ts';

/** Sets of families beyond those of a kubelet, by the names that cAdvisor gives them. */
export const EXTRAS = ['memory', 'creation', 'hugetlb', 'tcp', 'udp'] as const;

/** Options for metrics read from cgroups. */
export const cgroupOptions = z.strictObject({
  families: z
    .enum(['common', 'kubelet'])
    .default('common')
    .describe(
      'common: metrics used by dashboards and alerts; kubelet: everything that a kubelet reports, more than twice as many series.',
    ),
  extra: z
    .array(z.enum(EXTRAS))
    .default([])
    .describe(
      'Metrics of newer cAdvisor versions that the kubelet does not report: memory (events, reclaim), creation (time), hugetlb, and for the ' +
        'network of each pod tcp and udp, at the cost of reading one line per socket.',
    ),
  slices: listOf(z.string().regex(/^\/[^*]*[^*/](?:\/\*)?$/, 'expected a path below the cgroup root'))
    .default([])
    .describe(
      'Further cgroups, such as `/system.slice/kubelet.service`, or `/system.slice/*` for all direct children.',
    ),
  fileDescriptors: z
    .boolean()
    .optional()
    .describe(
      'Count open files, at the cost of reading a folder per process; defaults to on with `families: kubelet`.',
    ),
  sockets: z
    .boolean()
    .optional()
    .describe(
      'Count open sockets, at the cost of a system call per open file; defaults to on with `families: kubelet`.',
    ),
  keepOpen: z
    .int()
    .min(0)
    .max(10_000)
    .default(0)
    .describe(
      'Number of cgroup files to keep open between cycles, three per cgroup: saves CPU at the cost of 4.4 KiB of kernel memory per file; v2 only.',
    ),
  sandboxImage: z
    .string()
    .min(1)
    .default('pause')
    .describe('Value of the label `image` for pod sandboxes, which only the container runtime knows.'),
});

/** One of these sets. */
export type Extra = (typeof EXTRAS)[number];

/** Parsed {@link cgroupOptions}. */
export type CgroupOptions = z.output<typeof cgroupOptions>;
