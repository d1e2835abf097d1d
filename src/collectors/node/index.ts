import * as z from 'zod';
import type { Family } from '../../metrics/family.ts';
import type { Producer } from '../../metrics/scope.ts';
import { bindCollector, type CollectorSpec, type World } from '../collector.ts';
import { arp } from './arp.ts';
import { bcache } from './bcache.ts';
import { bcachefs } from './bcachefs.ts';
import { bonding } from './bonding.ts';
import { btrfs } from './btrfs.ts';
import { buddyinfo } from './buddyinfo.ts';
import { cgroups } from './cgroups.ts';
import { conntrack } from './conntrack.ts';
import { cpu } from './cpu.ts';
import { cpuVulnerabilities } from './cpu_vulnerabilities.ts';
import { cpufreq } from './cpufreq.ts';
import { diskstats } from './diskstats.ts';
import { dmi } from './dmi.ts';
import { dmmultipath } from './dmmultipath.ts';
import { drbd } from './drbd.ts';
import { drm } from './drm.ts';
import { edac } from './edac.ts';
import { entropy } from './entropy.ts';
import { ethtool } from './ethtool.ts';
import { fibrechannel } from './fibrechannel.ts';
import { filefd } from './filefd.ts';
import { filesystem } from './filesystem.ts';
import { hwmon } from './hwmon.ts';
import { infiniband } from './infiniband.ts';
import { interrupts } from './interrupts.ts';
import { inventory } from './inventory.ts';
import { ipvs } from './ipvs.ts';
import { kernelHung } from './kernel_hung.ts';
import { ksmd } from './ksmd.ts';
import { lnstat } from './lnstat.ts';
import { loadavg } from './loadavg.ts';
import { mdadm } from './mdadm.ts';
import { meminfo } from './meminfo.ts';
import { meminfoNuma } from './meminfo_numa.ts';
import { mountstats } from './mountstats.ts';
import { netclass } from './netclass.ts';
import { netdev } from './netdev.ts';
import { netstat } from './netstat.ts';
import { networkRoute } from './network_route.ts';
import { nfs } from './nfs.ts';
import { nfsd } from './nfsd.ts';
import { nvme } from './nvme.ts';
import { nvmesubsystem } from './nvmesubsystem.ts';
import { os } from './os.ts';
import { pcidevice } from './pcidevice.ts';
import { powersupplyclass } from './powersupplyclass.ts';
import { pressure } from './pressure.ts';
import { processes } from './processes.ts';
import { qdisc } from './qdisc.ts';
import { rapl } from './rapl.ts';
import { schedstat } from './schedstat.ts';
import { selinux } from './selinux.ts';
import { slabinfo } from './slabinfo.ts';
import { sockstat } from './sockstat.ts';
import { softirqs } from './softirqs.ts';
import { softnet } from './softnet.ts';
import { stat } from './stat.ts';
import { swap } from './swap.ts';
import { sysctl } from './sysctl.ts';
import { systemd } from './systemd.ts';
import { tapestats } from './tapestats.ts';
import { tcpstat } from './tcpstat.ts';
import { textfile } from './textfile.ts';
import { thermalZone } from './thermal_zone.ts';
import { time } from './time.ts';
import { timex } from './timex.ts';
import { udpQueues } from './udp_queues.ts';
import { uname } from './uname.ts';
import { vmstat } from './vmstat.ts';
import { watchdog } from './watchdog.ts';
import { wifi } from './wifi.ts';
import { xfrm } from './xfrm.ts';
import { xfs } from './xfs.ts';
import { zfs } from './zfs.ts';
import { zoneinfo } from './zoneinfo.ts';

/** All node collectors, by name. */
export const nodeCollectors: readonly CollectorSpec[] = [
  arp,
  bcache,
  bcachefs,
  bonding,
  btrfs,
  buddyinfo,
  cgroups,
  conntrack,
  cpu,
  cpuVulnerabilities,
  cpufreq,
  diskstats,
  dmi,
  dmmultipath,
  drbd,
  drm,
  edac,
  entropy,
  ethtool,
  fibrechannel,
  filefd,
  filesystem,
  hwmon,
  infiniband,
  interrupts,
  inventory,
  ipvs,
  kernelHung,
  ksmd,
  lnstat,
  loadavg,
  mdadm,
  meminfo,
  meminfoNuma,
  mountstats,
  netclass,
  netdev,
  netstat,
  networkRoute,
  nfs,
  nfsd,
  nvme,
  nvmesubsystem,
  os,
  pcidevice,
  powersupplyclass,
  pressure,
  processes,
  qdisc,
  rapl,
  schedstat,
  selinux,
  slabinfo,
  sockstat,
  softirqs,
  softnet,
  stat,
  swap,
  sysctl,
  systemd,
  tapestats,
  tcpstat,
  thermalZone,
  time,
  timex,
  udpQueues,
  uname,
  vmstat,
  watchdog,
  wifi,
  xfrm,
  xfs,
  zfs,
  zoneinfo,
  // Last: a family of two collectors is rejected for the later one, and user files must not displace our families.
  textfile,
];

const names = nodeCollectors.map((spec) => spec.name);

/** The section `collectors.node` of the configuration, composed of the collectors' own options. */
export const nodeSection = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether any node collector runs.'),
    include: z
      .array(z.enum(names))
      .optional()
      .describe('Run only these collectors, including those that are off by default.'),
    exclude: z.array(z.enum(names)).default([]).describe('Never run these collectors.'),
    ...Object.fromEntries(nodeCollectors.map((spec) => [spec.name, collectorSection(spec)])),
  })
  .prefault({});

type NodeSection = z.output<typeof nodeSection>;

function collectorSection(spec: CollectorSpec) {
  const enabled = z.boolean().default(spec.enabled).describe('Whether this collector runs.');
  return z
    .strictObject({ enabled, ...spec.options.shape })
    .prefault({})
    .describe(spec.summary);
}

/** The producers enabled by `section`. */
export const nodeProducers = (world: World, section: NodeSection): Producer[] =>
  wanted(section).map(({ spec, options }) => ({
    ...bindCollector('node', spec, world, options),
    settings: { options, paths: world.host.paths },
  }));

/** The names of the collectors enabled by `section`. */
export const nodeCollectorNames = (section: NodeSection): ReadonlySet<string> =>
  new Set(wanted(section).map(({ spec }) => spec.name));

/** The families that the collectors of `section` declare. */
export const nodeFamilies = (section: NodeSection): readonly Family[] =>
  wanted(section).flatMap(({ spec }) => spec.families);

/** The collectors enabled by `section`, with their options. */
function wanted(
  section: NodeSection,
): { readonly spec: CollectorSpec; readonly options: Readonly<Record<string, unknown>> }[] {
  if (!section.enabled) return [];
  const sections = section as unknown as Readonly<
    Record<string, { readonly enabled: boolean; readonly [option: string]: unknown }>
  >;
  return nodeCollectors.flatMap((spec) => {
    const { enabled, ...options } = sections[spec.name] ?? { enabled: spec.enabled };
    const isWanted = section.include ? section.include.includes(spec.name) : enabled;
    return isWanted && !section.exclude.includes(spec.name) ? [{ spec, options }] : [];
  });
}
