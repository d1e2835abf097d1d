import type { Replaced } from '../diff/known.ts';
import { labelOf, nameOf } from '../diff/reading.ts';
import type { OffByDefault } from '../diff/reasons.ts';

/** Features of a program's area that are off by default. Loads the collectors of that section only. */
export async function offByDefaultOf({ section, settings = [] }: Replaced): Promise<OffByDefault> {
  const off = await TABLES[section]();
  return (series) => settings.find((one) => one.series.test(series))?.setting ?? off(series);
}

const TABLES: Readonly<Record<Replaced['section'], () => Promise<OffByDefault>>> = {
  async node() {
    const { nodeCollectors } = await import('../collectors/node/index.ts');
    const off = nodeCollectors.filter(({ enabled }) => !enabled);
    const families = new Map(off.flatMap((spec) => spec.families.map((family) => [family.name, spec.name] as const)));
    const names = new Set(off.map(({ name }) => name));
    return (series) => {
      const collector = labelOf(series, 'collector') ?? '';
      const ofCollector = nameOf(series).startsWith('node_scrape_collector_') && names.has(collector);
      const name = ofCollector ? collector : families.get(nameOf(series));
      return name === undefined ? undefined : `collectors.node.${name}.enabled=true`;
    };
  },
  async ksm() {
    const { resources } = await import('../collectors/ksm/resources/index.ts');
    const settings = new Map<string, string>();
    for (const { name, enabled, families } of resources) {
      for (const { family, allowlisted, optIn } of families) {
        if (!enabled) settings.set(family.name, `collectors.ksm.resources with ${name}`);
        else if (allowlisted) settings.set(family.name, `collectors.ksm.${allowlisted}Allowlist with ${name}`);
        else if (optIn) settings.set(family.name, `collectors.ksm.metricOptInList with ${family.name}`);
      }
    }
    return (series) => settings.get(nameOf(series));
  },
  async container() {
    const { containerFamilies } = await import('../collectors/container/families.ts');
    const { machineFamilies } = await import('../collectors/container/machine.ts');
    const rest = new Set([...containerFamilies.rest, ...machineFamilies.rest].map(({ name }) => name));
    const extra = new Set((containerFamilies.extra ?? []).map(({ name }) => name));
    return (series) => {
      if (rest.has(nameOf(series))) return 'collectors.container.families=kubelet';
      return extra.has(nameOf(series)) ? 'collectors.container.extra' : undefined;
    };
  },
  async process() {
    return () => undefined;
  },
};
