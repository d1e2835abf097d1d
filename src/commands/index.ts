import type { ListedCommand } from './command.ts';

const WORKING: readonly ListedCommand[] = [
  { name: 'run', summary: 'run the agent (the default)', load: async () => (await import('./run.ts')).run },
  { name: 'collect', summary: 'collect once and print it', load: async () => (await import('./collect.ts')).collect },
  {
    name: 'check-config',
    summary: 'check a configuration file',
    load: async () => (await import('./check-config.ts')).checkConfig,
  },
  {
    name: 'diff',
    summary: 'compare with an exporter running in parallel: the check before a migration',
    load: async () => (await import('./diff.ts')).diff,
  },
  {
    name: 'import',
    summary: 'print tasks for the targets of a blackbox_exporter',
    load: async () => (await import('./import.ts')).importBlackbox,
  },
  {
    name: 'receive',
    summary: 'receive pushes and show what arrives',
    load: async () => (await import('./receive.ts')).receive,
  },
  {
    name: 'render',
    summary: 'print the metrics of Kubernetes objects in a file',
    load: async () => (await import('./render.ts')).render,
  },
  {
    name: 'status',
    summary: 'show the health of a running agent and what to do next',
    load: async () => (await import('./status.ts')).status,
  },
  {
    name: 'support-bundle',
    summary: 'write a support bundle of a running agent, without secrets',
    load: async () => (await import('./support-bundle.ts')).supportBundle,
  },
  {
    name: 'tasks',
    summary: 'list, add, remove and run tasks of a running agent',
    load: async () => (await import('./tasks.ts')).tasks,
  },
  { name: 'version', summary: 'print the version', load: async () => (await import('./version.ts')).version },
];

/** All commands; the first is the default. Only the command in use is loaded. */
export const COMMANDS: readonly ListedCommand[] = [
  ...WORKING,
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    load: async () => (await import('./completion.ts')).completionOf(WORKING),
  },
];
