import type { Log } from '../../base/log.ts';
import { nodeName } from '../../config/identity.ts';
import { wantsPods } from '../../config/scrape-schema.ts';
import { ALL_LABELS, byPrefix, NO_LABELS } from '../../kube/pod-info.ts';
import { Scope } from '../../metrics/scope.ts';
import { IdentityClient, realIdentityWorld } from '../../pods/client.ts';
import type { PodPicks } from '../../pods/source.ts';
import { createIdentitySource } from '../../pods/sources.ts';
import type { Config } from '../config.ts';
import type { Parts } from '../parts.ts';
import type { AssemblyWorld } from './world.ts';

/** The names of this node's pods, and the metrics of asking for them. */
interface PodNamesPart {
  readonly scope: Scope;
  /** Undefined if nobody is to be asked. */
  readonly client: IdentityClient | undefined;
}

/** What knows the names of this node's pods, if anything wants them. */
export async function namesPart(
  config: Config,
  parts: Parts,
  { log }: AssemblyWorld,
): Promise<PodNamesPart | undefined> {
  const { container, process, kernel, log: files } = config.collectors;
  const { identity } = container;
  const wantsNames =
    container.enabled ||
    (process.enabled && process.byPod) ||
    (kernel.enabled && identity.source !== 'none') ||
    (config.logs.journal.enabled && identity.source !== 'none') ||
    (files.enabled && files.containers.enabled) ||
    wantsPods(config.scrape);
  if (!wantsNames) return undefined;
  const madeFrom = { identity, node: nodeName(config), picks: pickedOf(config), logs: logsAnnotation(config) };
  return parts.take('identity', madeFrom, () => createNames(config, log), {
    start: ({ client }) => client?.start(),
    stop: ({ client }) => client?.stop(),
  });
}

/** The client that knows the pods of this node, if anybody is to be asked, and its metrics. */
async function createNames(config: Config, log: Log): Promise<PodNamesPart> {
  const { collectors, node } = config;
  const { identity } = collectors.container;
  const scope = new Scope();
  const source = await createIdentitySource(identity, nodeName({ node }), log, picksOf(config));
  return { scope, client: source && new IdentityClient(source, identity.refresh, realIdentityWorld(log, scope)) };
}

/** What the local scrape has to know of pods: all labels or none, and the annotations that begin so. */
export const pickedOf = ({ scrape: { annotations, pods } }: Config) => ({
  labels: pods.length > 0,
  prefix: annotations.enabled ? `${annotations.prefix}/` : undefined,
});

/** The annotation by which pods ask for their logs to be followed; undefined when that is off. */
const logsAnnotation = ({ collectors: { log } }: Config): string | undefined =>
  log.enabled && log.containers.enabled ? log.containers.annotation : undefined;

function picksOf(config: Config): PodPicks {
  const { labels, prefix } = pickedOf(config);
  const prefixes = [prefix, logsAnnotation(config)].filter((one) => one !== undefined);
  return {
    labels: labels ? ALL_LABELS : NO_LABELS,
    annotations: prefixes.length === 0 ? NO_LABELS : byPrefix(...prefixes),
  };
}
