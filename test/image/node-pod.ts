import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configText, podsOf, render, type Values } from '../helm/chart.ts';
import { IMAGE } from './image-root.ts';
import type { Mount, Sandbox } from './sandbox.ts';

/** A node agent as started by a kubelet and a container runtime. */
export interface NodePod {
  readonly sandbox: Sandbox;
  readonly command: readonly string[];
}

interface Container {
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
  readonly securityContext: {
    readonly readOnlyRootFilesystem: boolean;
    readonly allowPrivilegeEscalation: boolean;
    readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
  };
}

interface Pod {
  readonly containers: readonly [Container];
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
  readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
}

/**
 * Renders the chart with `values` and reads everything that determines the node agent's permissions: command, environment,
 * mounts, user and capabilities. The ConfigMap becomes a folder below `folder`; `root` is the image's root file system. Throws
 * for settings that cannot be reproduced here.
 */
export function nodePod(values: Values, root: string, folder: string): NodePod {
  const objects = render(values);
  const daemonSet = podsOf(objects).find(({ kind }) => kind === 'DaemonSet');
  if (!daemonSet) throw new Error('the chart renders no DaemonSet');
  const { containers, securityContext, volumes } = daemonSet.pod as Pod;
  const [container] = containers;
  const { readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } = container.securityContext;
  if (!readOnlyRootFilesystem || allowPrivilegeEscalation || capabilities.drop[0] !== 'ALL') {
    throw new Error(`not the security context that is reproduced here: ${JSON.stringify(container.securityContext)}`);
  }
  const config = join(folder, 'config');
  mkdirSync(config);
  writeFileSync(join(config, 'config.yaml'), configText(objects, 'node'));
  const sources = new Map(volumes.map(({ name, hostPath }) => [name, hostPath?.path]));
  const mounts = container.volumeMounts.map(({ name, mountPath, readOnly }): Mount => {
    const from = name === 'config' ? config : sources.get(name);
    return { ...(from === undefined ? {} : { from }), to: mountPath, readOnly: readOnly === true };
  });
  // Values of the downward API.
  const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value ?? 'worker-1']));
  return {
    sandbox: {
      root,
      mounts,
      uid: securityContext.runAsUser,
      gid: securityContext.runAsGroup,
      capabilities: capabilities.add ?? [],
      env: { ...IMAGE.env, ...env },
    },
    command: [...(container.command ?? IMAGE.entrypoint), ...container.args],
  };
}
