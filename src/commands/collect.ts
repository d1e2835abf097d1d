import { nodeCollectors } from '../collectors/node/index.ts';
import { collectorsSection } from '../collectors/sections.ts';
import { nearest } from '../config/nearest.ts';
import { openCollection } from './collection.ts';
import { type Command, UsageError } from './command.ts';
import { CONFIG_FLAGS, CONFIG_FLAGS_HELP, parseFlags } from './flags.ts';
import { loadSettings } from './settings.ts';

/** `firesteel collect`. */
export const collect: Command = {
  help: `usage: firesteel collect [--only node.cpu,node.meminfo] [flags]

Collects once and prints the text that Prometheus would scrape, regrouped by family. Anything unreadable is reported
on standard error; the exit code is 1 when a collector failed completely.

  --only GROUP.NAME,...    only these collectors, also those that are off by default; GROUP alone for the whole group
${CONFIG_FLAGS_HELP}`,
  async run(args, io) {
    const { values } = parseFlags(args, { ...CONFIG_FLAGS, only: { type: 'string' } });
    const only = typeof values.only === 'string' ? values.only.split(',') : undefined;
    const set = [...(values.set ?? []), ...(only ? onlyThese(only) : [])];
    const { config } = loadSettings({ ...values, set }, io.env);
    const collection = await openCollection(config, io);
    const gathered = await collection.gather();
    for await (const chunk of collection.text(gathered)) io.stdout(chunk.toString());
    await collection.close();
    const { results } = gathered;
    for (const { group, collector, outcome, reason, errors, withheld } of results) {
      const name = `${group}.${collector}`;
      if (outcome === 'nodata' && only) io.stderr(`${name}: no data:  ${reason}\n`);
      for (const error of errors) io.stderr(`${name}: ${error.message}\n`);
      for (const lost of withheld) io.stderr(`${name}: not visible: ${lost}\n`);
    }
    return results.some(({ outcome }) => outcome === 'fault') || !collection.isComplete ? 1 : 0;
  },
};

/** `--only` as settings, so that the schema reports unknown names. */
function onlyThese(names: readonly string[]): string[] {
  const chosen = new Map<string, string[]>();
  for (const name of names) {
    const [group = '', collector] = name.split('.', 2);
    const collectors = chosen.get(group) ?? [];
    if (collector !== undefined) collectors.push(collector);
    chosen.set(group, collectors);
  }
  const groups = Object.keys(collectorsSection.unwrap().shape);
  for (const group of chosen.keys()) {
    if (groups.includes(group)) continue;
    throw new UsageError(`--only: no group ${JSON.stringify(group)}; ${hint(group, groups)}`);
  }
  return groups.flatMap((group) => {
    const collectors = chosen.get(group);
    const settings = [`collectors.${group}.enabled=${collectors !== undefined}`];
    if (collectors && collectors.length > 0) settings.push(`collectors.${group}.include=[${collectors.join(',')}]`);
    return settings;
  });
}

/** Suggestions for a name that is not a group: a collector without its group, or a group. */
function hint(name: string, groups: readonly string[]): string {
  const collector = nearest(
    name,
    nodeCollectors.map((spec) => spec.name),
  );
  const guess = nearest(name, groups) ?? (collector === undefined ? undefined : `node.${collector}`);
  return guess === undefined ? `there are ${groups.join(', ')}` : `did you mean ${guess}?`;
}
