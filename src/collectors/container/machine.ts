// The machine as a kubelet reports it: CPUs, proc_meminfo(5), machine-id(5), memory modules in sysfs.
import * as z from 'zod';
import { countAttribute } from '../../host/attributes.ts';
import { DeniedFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { readOsRelease } from '../../host/os-release.ts';
import { type Family, gauge } from '../../metrics/family.ts';
import { NoData } from '../../metrics/outcome.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';
import type { FamilySets } from './families.ts';
import { readMachineCpus } from './machine-cpus.ts';
import { readMachineMemory } from './machine-memory.ts';

const LABELS = ['machine_id', 'system_uuid', 'boot_id'];
const cores = gauge('machine_cpu_cores', 'Logical CPUs, including hyper-threads.', LABELS);
const memory = gauge('machine_memory_bytes', 'Memory of the machine.', LABELS);
const swap = gauge('machine_swap_bytes', 'Swap of the machine.', LABELS);
const physicalCores = gauge(
  'machine_cpu_physical_cores',
  'Distinct core ids; undercounts with several sockets.',
  LABELS,
);
const sockets = gauge('machine_cpu_sockets', 'CPU sockets.', LABELS);
const books = gauge('machine_cpu_books', 'CPU books; s390x only.', LABELS);
const drawers = gauge('machine_cpu_drawers', 'CPU drawers; s390x only.', LABELS);
const nvmCapacity = gauge('machine_nvm_capacity', 'Always 0: not measured by any kubelet.', [...LABELS, 'mode']);
const nvmPower = gauge('machine_nvm_avg_power_budget_watts', 'Always 0: not measured by any kubelet.', LABELS);
const dimms = gauge('machine_dimm_count', 'Memory modules known to the error detection driver (EDAC).', [
  ...LABELS,
  'type',
]);
const dimmBytes = gauge('machine_dimm_capacity_bytes', 'Capacity of these memory modules.', [...LABELS, 'type']);
const machineError = gauge('machine_scrape_error', 'Always 0: values that could not be read are absent instead.');
const containerError = gauge('container_scrape_error', 'Always 0: values that could not be read are absent instead.');
const version = gauge('cadvisor_version_info', 'Always 1; kernel and distribution.', [
  'kernelVersion',
  'osVersion',
  'dockerVersion',
  'cadvisorVersion',
  'cadvisorRevision',
]);

/** Families of the machine: those that are always exported, and the rest. */
export const machineFamilies: FamilySets = {
  common: [cores, memory],
  rest: [
    ...[swap, physicalCores, sockets, books, drawers, nvmCapacity, nvmPower, dimms, dimmBytes],
    ...[machineError, containerError, version],
  ],
};

const options = z.strictObject({ families: z.enum(['common', 'kubelet']).default('common') });

/** CPUs, memory and the ids of the machine. */
export const machine = defineCollector({
  name: 'machine',
  enabled: true,
  summary:
    'CPUs and memory of the machine, from `/proc` and `/sys`. With `families: kubelet` also metrics that are nearly always 0.',
  options,
  families: [...machineFamilies.common, ...machineFamilies.rest],
  create({ host }, { families }) {
    return (out) => {
      if (!SOURCES.some((name) => host.exists(host.proc(name))))
        throw new NoData(`none of ${SOURCES.join(', ')} found in ${host.paths.procfs}`);
      const ids = machineIds(host, out);
      const all = families === 'kubelet';
      const add = (family: Family, value: number | undefined) => {
        if (value !== undefined) out.add(family, value, ...ids);
      };
      out.attempt('CPUs', () => {
        const cpus = readMachineCpus(out, host);
        add(cores, cpus.count);
        if (!all) return;
        add(physicalCores, cpus.cores);
        add(sockets, cpus.sockets);
      });
      out.attempt('memory', () => {
        const { totalBytes, swapTotalBytes } = readMachineMemory(out, host);
        add(memory, totalBytes);
        if (all) add(swap, swapTotalBytes);
      });
      if (out.size === 0) throw out.errors[0];
      if (!all) return;
      for (const family of [books, drawers, nvmPower]) out.add(family, 0, ...ids);
      for (const mode of ['memory_mode', 'app_direct_mode']) out.add(nvmCapacity, 0, ...ids, mode);
      out.attempt('memory modules', () => {
        for (const [type, { count, bytes }] of readDimms(host)) {
          out.add(dimms, count, ...ids, type);
          out.add(dimmBytes, bytes, ...ids, type);
        }
      });
      out.add(machineError, 0);
      out.add(containerError, 0);
      out.attempt('versions', () => {
        const distribution = readOsRelease(out, host)?.variables.get('PRETTY_NAME') ?? '';
        out.add(version, 1, host.read(host.proc('sys/kernel/osrelease')).trim(), distribution, '', '', '');
      });
    };
  },
});

const SOURCES = ['cpuinfo', 'stat', 'meminfo'];

/** In the order of {@link LABELS}; machines without DMI report the installation id in place of the hardware id. */
function machineIds(host: Host, out: Snapshot): string[] {
  // product_uuid may be read by root only: without it, as without DMI.
  const id = (path: string) => {
    try {
      return host.attribute(path);
    } catch (cause) {
      if (!(cause instanceof DeniedFile)) out.lose(path, cause);
      return undefined;
    }
  };
  const machineId = id(host.root('/etc/machine-id')) ?? id(host.root('/var/lib/dbus/machine-id')) ?? '';
  const uuid = id(host.sys('class/dmi/id/product_uuid')) ?? machineId;
  return [machineId, uuid, id(host.proc('sys/kernel/random/boot_id')) ?? ''];
}

/** Memory modules by type, from the driver for error detection; without one, no modules are known. */
function readDimms(host: Host): Map<string, { count: number; bytes: number }> {
  const types = new Map<string, { count: number; bytes: number }>();
  const controllers = host.sys('devices/system/edac/mc');
  for (const controller of host.listIfExists(controllers)) {
    if (!/^mc\d+$/.test(controller)) continue;
    for (const name of host.listIfExists(`${controllers}/${controller}`)) {
      if (!/^dimm\d+$/.test(name)) continue;
      const folder = `${controllers}/${controller}/${name}`;
      const type = host.attribute(`${folder}/dimm_mem_type`) ?? '';
      const mebibytes = countAttribute(host, `${folder}/size`);
      // An empty slot is skipped.
      if (mebibytes === undefined) continue;
      const { count, bytes } = types.get(type) ?? { count: 0, bytes: 0 };
      types.set(type, { count: count + 1, bytes: bytes + mebibytes * 2 ** 20 });
    }
  }
  return types;
}
