import * as z from 'zod';

/** Sets of families beyond those of a kubelet, by the names that cAdvisor gives them. */
export const EXTRAS = ['memory', 'creation', 'hugetlb', 'tcp', 'udp'] as const;

/** Options of what is read from cgroups. */
export const cgroupOptions = z.strictObject({
  families: z
    .enum(['common', 'kubelet'])
    .default('common')
    .describe(
      'common: what dashboards and alerts ask for; kubelet: all that a kubelet tells, more than twice as many series.',
    ),
  extra: z
    .array(z.enum(EXTRAS))
    .default([])
    .describe(
      'What newer cAdvisors report beyond a kubelet: memory (events, reclaim), creation (time), hugetlb, and of the ' +
        'network of each pod tcp and udp, at the cost of reading a line for each socket.',
    ),
  slices: z
    .array(z.string().regex(/^\/[^*]*[^*/](?:\/\*)?$/, 'expected a path below the root of the cgroups'))
    .default([])
    .describe('Further cgroups, such as `/system.slice/kubelet.service`, or `/system.slice/*` for all just below.'),
  fileDescriptors: z
    .boolean()
    .optional()
    .describe('Count open files, at the cost of reading a folder for each process; with `families: kubelet` if unset.'),
  sockets: z
    .boolean()
    .optional()
    .describe('Count open sockets, at the cost of a call for each open file; with `families: kubelet` if unset.'),
  sandboxImage: z
    .string()
    .min(1)
    .default('pause')
    .describe('The label `image` of pod sandboxes, which only the container runtime knows.'),
});

/** One of these sets. */
export type Extra = (typeof EXTRAS)[number];

/** What {@link cgroupOptions} gives. */
export type CgroupOptions = z.output<typeof cgroupOptions>;
