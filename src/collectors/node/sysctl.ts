// Any file below /proc/sys: proc_sys(5). Nothing is read unless configured.
import * as z from 'zod';
import type { Host } from '../../host/host.ts';
import { oneLine } from '../../host/lines.ts';
import { type NamespaceKind, Namespaces } from '../../host/namespaces.ts';
import { integer } from '../../host/numbers.ts';
import { type Family, gauge, untyped } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';

const info = gauge('node_sysctl_info', 'Always 1; a word of the text value of the setting.', [
  'name',
  'value',
  'index',
]);

const NAME = /^\w[\w./-]*$/;
const NAME_WITH_KEYS = /^\w[\w./-]*(?::\w+(?:,\w+)*)?$/;

const options = z.strictObject({
  include: z
    .array(z.string().regex(NAME_WITH_KEYS, 'expected a name such as fs.file-nr or fs.file-nr:total,current,max'))
    .default([])
    .describe('Settings to export as numbers; with `:key,…`, each number under its own name.'),
  includeInfo: z
    .array(z.string().regex(NAME, 'expected a name such as kernel.seccomp.actions_avail'))
    .default([])
    .describe('Settings to export as text labels.'),
});

/** Kernel settings. */
export const sysctl = defineCollector({
  name: 'sysctl',
  enabled: false,
  summary: 'The kernel settings that the options name, from `/proc/sys`: `node_sysctl_<name>`.',
  options,
  whenEmpty: 'no settings are configured',
  families: [info],
  create({ host }, { include, includeInfo }) {
    const settings = include.map(numericSetting);
    const namespaces = new Namespaces(host);
    const check = (name: string) => {
      const kind = namespaceOf(name);
      if (kind !== undefined) namespaces.mustBeHosts(kind, pathOf(host, name));
    };
    return (out) => {
      for (const setting of settings) {
        out.attempt(setting.name, () => {
          check(setting.name);
          addNumbers(out, host, setting);
        });
      }
      for (const name of includeInfo) {
        out.attempt(name, () => {
          check(name);
          for (const [index, word] of valuesOf(host, name).entries()) out.add(info, 1, name, word, String(index));
        });
      }
    };
  },
});

/** Settings that exist per namespace: namespaces(7), and from Linux 6.14 on kernel.pid_max. */
const NAMESPACED: readonly (readonly [NamespaceKind, RegExp])[] = [
  ['net', /^net\./],
  ['ipc', /^(?:kernel\.(?:msg|sem|shm)|fs\.mqueue\.)/],
  ['uts', /^kernel\.(?:host|domain)name$/],
  ['pid', /^kernel\.(?:pid_max|ns_last_pid|cad_pid)$/],
];

/** The namespace of the setting that a reader sees; undefined for global settings. */
function namespaceOf(name: string): NamespaceKind | undefined {
  const dotted = name.replaceAll('/', '.');
  return NAMESPACED.find(([, names]) => names.test(dotted))?.[0];
}

/** A setting with numbers: the family for one number, that for many, and those for named ones. */
interface NumericSetting {
  readonly name: string;
  readonly single: Family;
  readonly indexed: Family;
  readonly keyed: readonly Family[];
}

function numericSetting(option: string): NumericSetting {
  const [name = '', keys] = option.split(':');
  const metric = `node_sysctl_${name.replaceAll(/\W/g, '_')}`;
  return {
    name,
    single: untyped(metric, `Kernel setting ${name}.`),
    indexed: untyped(metric, `Kernel setting ${name}, by position.`, ['index']),
    keyed: keys?.split(',').map((key) => untyped(`${metric}_${key}`, `Kernel setting ${name}, ${key}.`)) ?? [],
  };
}

function addNumbers(out: Snapshot, host: Host, { name, single, indexed, keyed }: NumericSetting): void {
  const path = pathOf(host, name);
  const numbers = oneLine(path, valuesOf(host, name).join(' '), (text) => text.split(' ').map(integer));
  if (keyed.length > 0 && keyed.length !== numbers.length) {
    throw new Error(`${path} has ${numbers.length} numbers, but ${keyed.length} keys are configured`);
  }
  for (const [index, number] of numbers.entries()) {
    const family = keyed[index];
    if (family) out.add(family, number);
    else if (numbers.length === 1) out.add(single, number);
    else out.add(indexed, number, String(index));
  }
}

const pathOf = (host: Host, name: string): string => host.proc('sys', name.replaceAll('.', '/'));

const valuesOf = (host: Host, name: string): string[] => host.read(pathOf(host, name)).trim().split(/\s+/);
