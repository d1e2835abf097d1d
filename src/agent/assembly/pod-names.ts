import type { Log } from '../../base/log.ts';
import { nodeName } from '../../config/identity.ts';
import { wantsPods } from '../../config/scrape-schema.ts';
import { ALL_LABELS, byPrefix, NO_LABELS } from '../../kube/pod-info.ts';
import { Scope } from '../../metrics/scope.ts';
import { IdentityClient, realIdentityWorld } from '../../pods/client.ts';
import type { PodPicks } from '../../pods/source.ts';
import { createIdentitySource } from '../../pods/sources.ts';
import type { Components } from '../components.ts';
import type { Config } from '../config.ts';
import type { AssemblyWorld } from './world.ts';

/** The names of this node's pods, and the metrics of requesting them. */
interface PodNamesComponent {
  readonly scope: Scope;
  /** Undefined if no source is configured. */
  readonly client: IdentityClient | undefined;
}

/** The names of this node's pods, if anything uses them. */
export async function namesComponent(
  config: Config,
  components: Components,
  { log }: AssemblyWorld,
): Promise<PodNamesComponent | undefined> {
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
  const inputs = { identity, node: nodeName(config), picks: pickedOf(config), logs: logsAnnotation(config) };
  return components.take('identity', inputs, () => createNames(config, log), {
    start: ({ client }) => client?.start(),
    stop: ({ client }) => client?.stop(),
  });
}

/** The client for the pods of this node, if a source is configured, and its metrics. */
async function createNames(config: Config, log: Log): Promise<PodNamesComponent> {
  const { collectors, node } = config;
  const { identity } = collectors.container;
  const scope = new Scope();
  const source = await createIdentitySource(identity, nodeName({ node }), log, picksOf(config));
  return { scope, client: source && new IdentityClient(source, identity.refresh, realIdentityWorld(log, scope)) };
}

/** The pod metadata that the local scrape needs: all labels or none, and the annotations with these prefixes. */
export const pickedOf = ({ scrape: { annotations, pods } }: Config) => ({
  labels: pods.length > 0,
  prefix: annotations.enabled ? `${annotations.prefix}/` : undefined,
});

/** The annotation with which pods opt in to having their logs followed; undefined when that is off. */
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
