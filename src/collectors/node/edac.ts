// /sys/devices/system/edac/mc: Documentation/admin-guide/RAS/main.rst. Absent without ECC memory or a driver for it;
// csrows only where the kernel still has CONFIG_EDAC_LEGACY_SYSFS.
import { join } from 'node:path';
import { countAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { counter, type Family } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

/** The kinds of error, by the first letters of their files. */
const KINDS: Readonly<Record<string, Readonly<Record<'controller' | 'csrow' | 'channel', Family>>>> = {
  ce: families('Correctable'),
  ue: families('Uncorrectable'),
};

function families(kind: 'Correctable' | 'Uncorrectable') {
  const word = kind.toLowerCase();
  return {
    controller: counter(`node_edac_${word}_errors_total`, `${kind} memory errors of the controller.`, ['controller']),
    csrow: counter(`node_edac_csrow_${word}_errors_total`, `${kind} memory errors of the chip-select row.`, [
      'controller',
      'csrow',
    ]),
    channel: counter(`node_edac_channel_${word}_errors_total`, `${kind} memory errors of the memory module.`, [
      'controller',
      'csrow',
      'channel',
      'dimm_label',
    ]),
  };
}

/** Memory errors. */
export const edac = defineCollector({
  name: 'edac',
  enabled: true,
  summary: 'Memory errors by controller, row and channel, from `/sys/devices/system/edac/mc`.',
  options: NO_OPTIONS,
  whenEmpty: 'no memory controller reports error counts',
  families: Object.values(KINDS).flatMap((kind) => Object.values(kind)),
  create({ host }) {
    const parent = host.sys('devices/system/edac/mc');
    return (out) => {
      for (const name of host.listIfExists(parent)) {
        const controller = /^mc(\d+)$/.exec(name)?.[1];
        if (controller !== undefined) addController(out, host, join(parent, name), controller);
      }
    };
  },
});

function addController(out: Snapshot, host: Host, folder: string, controller: string): void {
  const names = host.listIfExists(folder);
  for (const [kind, { controller: ofController, csrow }] of Object.entries(KINDS)) {
    addCount(out, host, join(folder, `${kind}_count`), ofController, controller);
    // Errors that the hardware could not attribute to a location.
    addCount(out, host, join(folder, `${kind}_noinfo_count`), csrow, controller, 'unknown');
  }
  for (const name of names) {
    const row = /^csrow(\d+)$/.exec(name)?.[1];
    if (row !== undefined) addRow(out, host, join(folder, name), controller, row);
  }
}

function addRow(out: Snapshot, host: Host, folder: string, controller: string, row: string): void {
  const files = new Set(host.listIfExists(folder));
  for (const [kind, { csrow }] of Object.entries(KINDS)) {
    addCount(out, host, join(folder, `${kind}_count`), csrow, controller, row);
  }
  for (const file of files) {
    const channel = /^ch(\d+)_ce_count$/.exec(file)?.[1];
    if (channel === undefined) continue;
    out.attempt(join(folder, file), () => {
      const label = moduleLabel(host.attribute(join(folder, `ch${channel}_dimm_label`)));
      for (const [kind, family] of Object.entries(KINDS)) {
        const errors = `ch${channel}_${kind}_count`;
        if (files.has(errors))
          addCount(out, host, join(folder, errors), family.channel, controller, row, channel, label);
      }
    });
  }
}

function addCount(out: Snapshot, host: Host, path: string, family: Family, ...labels: string[]): void {
  out.attempt(path, () => {
    const errors = countAttribute(host, path);
    if (errors !== undefined) out.add(family, errors, ...labels);
  });
}

/** `mc0_csrow2_channel0` for the kernel's own `mc#0csrow#2channel#0`; labels of the board's vendor unchanged. */
function moduleLabel(text: string | undefined): string {
  if (text === undefined) return 'unknown';
  return text.replaceAll('#', '').replaceAll('csrow', '_csrow').replaceAll('channel', '_channel');
}
