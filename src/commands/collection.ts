import type { Config } from '../agent/config.ts';
import { pushedLabelsOf, storeOptionsOf } from '../agent/receivers.ts';
import type { StateRole, StateRoleWorld } from '../agent/state-role.ts';
import { sleep, wallMs } from '../base/clock.ts';
import { createLog } from '../base/log.ts';
import { createHostProducers, createLogProducers, HOST_GROUP_NAMES, openLogState } from '../collectors/catalogue.ts';
import { wantsLog } from '../collectors/log/section.ts';
import { nodeReport } from '../collectors/node/report.ts';
import { VERSION } from '../config/version.ts';
import { Host } from '../host/host.ts';
import { AgentRegistry, type Gathered, SELF_GROUP } from '../metrics/registry.ts';
import { encodeByFamily } from '../metrics/text/encoder.ts';
import type { Io } from './command.ts';

/** Collectors without an agent. */
export interface Collection {
  /** Collects once. */
  gather(): Promise<Gathered>;
  /** The samples in `gathered` and the cluster state, by family, in pieces that end at a line end. */
  text(gathered: Gathered): AsyncGenerator<Buffer>;
  /** Whether the cluster state could be listed completely; true when it was not requested. */
  readonly isComplete: boolean;
  close(): Promise<void>;
}

const LIST_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;
const COLLECT_WITHIN_MS = 30_000;

/** Creates the collectors that `config` enables, and lists the cluster if that is enabled. */
export async function openCollection(config: Config, io: Io): Promise<Collection> {
  const registry = new AgentRegistry();
  const world = { host: new Host(config.paths), now: wallMs, nodeName: config.node };
  // Without a state file, so that a single collection does not advance the agent's saved positions.
  const logState = wantsLog(config.collectors) ? await openLogState(undefined) : undefined;
  const ofLogs = logState ? await createLogProducers(world, config.collectors, logState) : [];
  const ofHost = await Promise.all(
    HOST_GROUP_NAMES.map((group) => createHostProducers(group, world, config.collectors)),
  );
  for (const producer of [...ofHost.flat(), ...ofLogs]) registry.addProducer(producer);
  registry.addReport('node', nodeReport(VERSION));
  registry.pushedLabels = pushedLabelsOf(config);
  const cluster = config.collectors.ksm.enabled ? await listCluster(config, registry, io) : undefined;
  return {
    gather: () => registry.gather(config.push.deadline ?? COLLECT_WITHIN_MS, io.stop),
    async *text({ groups }) {
      yield* encodeByFamily([...groups].filter(([group]) => group !== SELF_GROUP).flatMap(([, group]) => group));
      for (const prepared of registry.allPrepared) yield* prepared.byFamily();
    },
    get isComplete() {
      return cluster?.ksm.state.settled !== false;
    },
    close: async () => {
      logState?.close();
      await cluster?.stop();
    },
  };
}

/** Lists the cluster once; resources that could not be listed within a minute are reported on standard error. */
async function listCluster(config: Config, registry: AgentRegistry, io: Io): Promise<StateRole> {
  // Loads the Kubernetes client, which other collections do not need.
  const { createStateRole } = await import('../agent/state-role.ts');
  const alone = { ...config, election: { ...config.election, enabled: false } };
  const world: Omit<StateRoleWorld, 'scope'> = {
    log: createLog('warn'),
    now: wallMs,
    random: Math.random,
    env: io.env,
    pushNow: () => undefined,
    storeOptions: { ...storeOptionsOf(config), notesEnded: false },
  };
  // Events are counted from the start of a leader: a single list is meaningless.
  const { ksm, event } = config.collectors;
  const role = createStateRole(alone, ksm, { ...event, enabled: false }, { scope: registry, ...world });
  role.ksm.state.start();
  const deadline = AbortSignal.any([io.stop, AbortSignal.timeout(LIST_WITHIN_MS)]);
  while (!role.ksm.state.settled && !deadline.aborted) {
    await sleep(LOOK_EVERY_MS, deadline);
  }
  for (const { resource, reflectors } of role.ksm.state.followed) {
    if (!reflectors.every(({ synced }) => synced)) io.stderr(`ksm.${resource.name}: could not be listed\n`);
  }
  return role;
}
