// npm run bench -- NAME [flags]: measures one thing and, in the same run, the system that it replaces.

/** Benchmarks by name. A new one is one file and one line here. */
const BENCHMARKS: Readonly<Record<string, () => Promise<{ run(args: readonly string[]): Promise<void> }>>> = {
  container: () => import('./container.ts'),
  events: () => import('./events.ts'),
  journal: () => import('./journal.ts'),
  ksm: () => import('./ksm.ts'),
  logs: () => import('./logs.ts'),
  memory: () => import('./memory.ts'),
  node: () => import('./node.ts'),
  outage: () => import('./outage.ts'),
  podinfo: () => import('./podinfo.ts'),
  probes: () => import('./probes.ts'),
  process: () => import('./process.ts'),
  push: () => import('./push.ts'),
  spawn: () => import('./spawn.ts'),
  start: () => import('./start.ts'),
  tasks: () => import('./tasks.ts'),
  scrape: () => import('./scrape.ts'),
  ship: () => import('./ship.ts'),
};

// Processes started for a measurement end when this process exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const [name = '', ...args] = process.argv.slice(2);
const load = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
if (load === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHMARKS).join('|')} [flags]`);
  process.exitCode = 2;
} else {
  await (await load()).run(args);
}
