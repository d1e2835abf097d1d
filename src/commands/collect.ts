import type { Config } from '../agent.ts';
import { collectorsSection, createProducers } from '../collectors/catalogue.ts';
import { nodeReport } from '../collectors/node/report.ts';
import { Host } from '../host/host.ts';
import { createLog } from '../log.ts';
import { encodeByFamily } from '../metrics/encoder.ts';
import { AgentRegistry, SELF_GROUP } from '../metrics/registry.ts';
import type { StateRole } from '../state-role.ts';
import { type Command, type Io, UsageError } from './command.ts';
import { CONFIG_FLAGS, CONFIG_FLAGS_HELP, loadSettings, parseFlags } from './settings.ts';

/** `firesteel collect`. */
export const collect: Command = {
  name: 'collect',
  summary: 'collect once and print it',
  help: `usage: firesteel collect [--only node.cpu,node.meminfo] [flags]

Collects once and prints the text that Prometheus would scrape, regrouped by family. What could not be read is told
on standard error; the exit code is 1 when a collector failed as a whole.

  --only GROUP.NAME,...    only these collectors, also those that are off by default; GROUP alone for the whole group
${CONFIG_FLAGS_HELP}`,
  async run(args, io) {
    const { values } = parseFlags(args, { ...CONFIG_FLAGS, only: { type: 'string' } });
    const only = typeof values.only === 'string' ? values.only.split(',') : undefined;
    const set = [...(values.set ?? []), ...(only ? onlyThese(only) : [])];
    const { config } = loadSettings({ ...values, set }, io.env);
    const producers = createProducers({ host: new Host(config.paths), now: Date.now }, config.collectors);
    const registry = new AgentRegistry();
    for (const producer of producers) registry.addProducer(producer);
    registry.addReport('node', nodeReport);
    const cluster = config.collectors.ksm.enabled ? await listCluster(config, registry, io) : undefined;
    const { groups, results } = await registry.gather(config.push.deadline ?? 30_000, io.stop);
    const snapshots = [...groups].filter(([group]) => group !== SELF_GROUP).flatMap(([, group]) => group);
    for (const chunk of encodeByFamily(snapshots)) io.stdout(chunk.toString());
    for (const prepared of registry.allPrepared) {
      for await (const chunk of prepared.byFamily()) io.stdout(chunk.toString());
    }
    await cluster?.stop();
    for (const { group, collector, outcome, reason, errors } of results) {
      const name = `${group}.${collector}`;
      if (outcome === 'nodata' && only) io.stderr(`${name}: nothing to see here: ${reason}\n`);
      for (const error of errors) io.stderr(`${name}: ${error.message}\n`);
    }
    return results.some(({ outcome }) => outcome === 'fault') || cluster?.ksm.state.settled === false ? 1 : 0;
  },
};

const LIST_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;

/** Lists the cluster once; what is not listed within a minute is told on standard error. */
async function listCluster(config: Config, registry: AgentRegistry, io: Io): Promise<StateRole> {
  // Loads the Kubernetes client, which other collections do without.
  const { createStateRole } = await import('../state-role.ts');
  const alone = { ...config, election: { ...config.election, enabled: false } };
  const world = { log: createLog('warn'), now: Date.now, random: Math.random, env: io.env, pushNow: () => undefined };
  const role = createStateRole(alone, config.collectors.ksm, { scope: registry, ...world });
  role.ksm.state.start();
  const deadline = AbortSignal.any([io.stop, AbortSignal.timeout(LIST_WITHIN_MS)]);
  while (!role.ksm.state.settled && !deadline.aborted) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  for (const { resource, reflectors } of role.ksm.state.followed) {
    if (!reflectors.every(({ synced }) => synced)) io.stderr(`ksm.${resource.name}: could not be listed\n`);
  }
  return role;
}

/** `--only` as settings, so that the schema tells of names that it doesn't know. */
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
    throw new UsageError(`--only: no group ${JSON.stringify(group)}; there are ${groups.join(', ')}`);
  }
  return groups.flatMap((group) => {
    const collectors = chosen.get(group);
    const settings = [`collectors.${group}.enabled=${collectors !== undefined}`];
    if (collectors && collectors.length > 0) settings.push(`collectors.${group}.include=[${collectors.join(',')}]`);
    return settings;
  });
}
