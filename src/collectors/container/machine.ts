// The machine as a kubelet tells it: proc_cpuinfo(5), proc_meminfo(5), machine-id(5), the topology of CPUs in sysfs.
import * as z from 'zod';
import type { Host } from '../../host/host.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';
import type { FamilySets } from './families.ts';
import { readMachineMemory } from './machine-memory.ts';

const LABELS = ['machine_id', 'system_uuid', 'boot_id'];
const cores = gauge('machine_cpu_cores', 'CPUs as the kernel counts them, with hyper-threads.', LABELS);
const memory = gauge('machine_memory_bytes', 'Memory of the machine.', LABELS);
const swap = gauge('machine_swap_bytes', 'Swap of the machine.', LABELS);
const physicalCores = gauge('machine_cpu_physical_cores', 'Different core ids; too few with several sockets.', LABELS);
const sockets = gauge('machine_cpu_sockets', 'CPU sockets.', LABELS);
const books = gauge('machine_cpu_books', 'CPU books, of s390x only.', LABELS);
const drawers = gauge('machine_cpu_drawers', 'CPU drawers, of s390x only.', LABELS);
const nvmCapacity = gauge('machine_nvm_capacity', 'Always 0: no kubelet measures it.', [...LABELS, 'mode']);
const nvmPower = gauge('machine_nvm_avg_power_budget_watts', 'Always 0: no kubelet measures it.', LABELS);
const dimms = gauge('machine_dimm_count', 'Memory modules that error detection knows.', [...LABELS, 'type']);
const dimmBytes = gauge('machine_dimm_capacity_bytes', 'Memory of these modules.', [...LABELS, 'type']);
const machineError = gauge('machine_scrape_error', 'Always 0: what could not be read is missing.');
const containerError = gauge('container_scrape_error', 'Always 0: what could not be read is missing.');
const version = gauge('cadvisor_version_info', 'Kernel and distribution; always 1.', [
  'kernelVersion',
  'osVersion',
  'dockerVersion',
  'cadvisorVersion',
  'cadvisorRevision',
]);

/** Families of the machine: those that are always told, and the rest. */
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
    'CPUs and memory of the machine, from `/proc` and `/sys`. With `families: kubelet` also what is nearly always 0.',
  options,
  families: [...machineFamilies.common, ...machineFamilies.rest],
  create({ host }, { families }) {
    return (out) => {
      const ids = machineIds(host);
      const cpus = readCpus(host);
      const { totalBytes, swapTotalBytes } = readMachineMemory(host);
      out.add(cores, cpus.count, ...ids);
      out.add(memory, totalBytes, ...ids);
      if (families === 'common') return;
      out.add(swap, swapTotalBytes, ...ids);
      out.add(physicalCores, cpus.cores, ...ids);
      out.add(sockets, cpus.sockets, ...ids);
      for (const family of [books, drawers, nvmPower]) out.add(family, 0, ...ids);
      for (const mode of ['memory_mode', 'app_direct_mode']) out.add(nvmCapacity, 0, ...ids, mode);
      for (const [type, { count, bytes }] of readDimms(host)) {
        out.add(dimms, count, ...ids, type);
        out.add(dimmBytes, bytes, ...ids, type);
      }
      out.add(machineError, 0);
      out.add(containerError, 0);
      out.add(version, 1, host.read(host.proc('sys/kernel/osrelease')).trim(), distribution(host), '', '', '');
    };
  },
});

/** In the order of {@link LABELS}; machines without DMI tell the id of the installation for that of the hardware. */
function machineIds(host: Host): string[] {
  const machineId =
    host.attribute(host.root('/etc/machine-id')) ?? host.attribute(host.root('/var/lib/dbus/machine-id')) ?? '';
  const uuid = host.attribute(host.sys('class/dmi/id/product_uuid')) ?? machineId;
  return [machineId, uuid, host.attribute(host.proc('sys/kernel/random/boot_id')) ?? ''];
}

/** From /proc/cpuinfo, which has the CPUs that are online; ARM has no ids there, but in sysfs. */
function readCpus(host: Host): { count: number; cores: number; sockets: number } {
  const text = host.read(host.proc('cpuinfo'));
  const values = (key: string) => [...text.matchAll(new RegExp(`^${key}\\s*:\\s*(\\d+)`, 'gm'))].map(([, id]) => id);
  const cpus = values('processor');
  const ids = (key: string, file: string) => {
    const inCpuinfo = values(key);
    if (inCpuinfo.length > 0) return new Set(inCpuinfo).size;
    const found = cpus.map((cpu) => host.attribute(host.sys(`devices/system/cpu/cpu${cpu}/topology`, file)));
    return new Set(found.filter((id) => id !== undefined)).size;
  };
  return {
    count: cpus.length,
    cores: ids('core id', 'core_id'),
    sockets: ids('physical id', 'physical_package_id'),
  };
}

/** Memory modules by type, from the driver for error detection; without one, none are known. */
function readDimms(host: Host): Map<string, { count: number; bytes: number }> {
  const types = new Map<string, { count: number; bytes: number }>();
  const controllers = host.sys('devices/system/edac/mc');
  for (const controller of host.listIfExists(controllers)) {
    if (!/^mc\d+$/.test(controller)) continue;
    for (const name of host.listIfExists(`${controllers}/${controller}`)) {
      if (!/^dimm\d+$/.test(name)) continue;
      const folder = `${controllers}/${controller}/${name}`;
      const type = host.attribute(`${folder}/dimm_mem_type`) ?? '';
      const mebibytes = Number(host.attribute(`${folder}/size`) ?? 0);
      const { count, bytes } = types.get(type) ?? { count: 0, bytes: 0 };
      types.set(type, { count: count + 1, bytes: bytes + mebibytes * 2 ** 20 });
    }
  }
  return types;
}

/** PRETTY_NAME of os-release(5). */
function distribution(host: Host): string {
  const text =
    host.readIfExists(host.root('/etc/os-release')) ?? host.readIfExists(host.root('/usr/lib/os-release')) ?? '';
  return /^PRETTY_NAME=["']?(.*?)["']?$/m.exec(text)?.[1] ?? '';
}
