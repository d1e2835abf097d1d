import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Modules for the options of collectors. */
const OPTIONS = [
  'config/list-of.ts',
  'config/units.ts',
  'config/http-url.ts',
  'config/re2',
  'config/yaml.ts',
  'config/secret-file.ts',
];

/** Which folders of src a folder may import from, besides itself; see docs/architecture.md. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  metrics: ['base'],
  config: ['metrics/group.ts', 'metrics/relabel/rule.ts', 'base'],
  net: ['config', 'base'],
  host: ['base'],
  kube: ['net', 'base'],
  pods: ['kube', 'net', 'config', 'base'],
  'collectors/known-losses.ts': ['host'],
  'collectors/collector.ts': ['collectors/known-losses.ts', 'metrics', 'host'],
  'collectors/host-groups.ts': ['collectors', 'metrics', 'pods/pod-names.ts'],
  'collectors/catalogue.ts': ['collectors', 'metrics', 'host', 'pods/pod-names.ts'],
  'collectors/sections.ts': ['collectors'],
  'collectors/declared-labels.ts': ['collectors', 'metrics'],
  'collectors/node': ['collectors/collector.ts', 'metrics', 'host', ...OPTIONS, 'base'],
  'collectors/process': ['collectors/collector.ts', 'metrics', 'host', ...OPTIONS, 'pods/pod-names.ts', 'base'],
  'collectors/container': ['collectors/collector.ts', 'metrics', 'host', ...OPTIONS, 'kube', 'net', 'pods', 'base'],
  'collectors/log': ['collectors/collector.ts', 'metrics', 'host', ...OPTIONS, 'pods/pod-names.ts', 'base'],
  'collectors/event': ['metrics', ...OPTIONS, 'kube', 'base'],
  'collectors/ksm': ['collectors/collector.ts', 'metrics', 'host', ...OPTIONS, 'kube', 'base'],
  tasks: [
    'collectors',
    'metrics',
    'host',
    'net',
    'config',
    'http/json-body.ts',
    'http/message.ts',
    'http/status-view.ts',
    'base',
  ],
  'local-push': ['metrics', 'http/message.ts', 'config', 'base'],
  exporters: ['metrics', 'config', 'net', 'http/status-view.ts', 'logs/entry.ts', 'logs/sink.ts', 'base'],
  logs: [
    'metrics',
    'config',
    'host',
    'collectors/log/unit-name.ts',
    'collectors/log/oom.ts',
    'kube/event.ts',
    'pods/pod-names.ts',
    'http/status-view.ts',
    'base',
  ],
  push: ['metrics', 'exporters/exporter.ts', 'base'],
  scrape: ['metrics', 'config', 'net', 'kube/pod-info.ts', 'http/status-view.ts', 'tasks/schedule.ts', 'base'],
  http: ['metrics', 'config', 'base'],
  status: ['metrics', 'http/status-view.ts', 'base'],
  receiver: ['base', 'metrics', 'config/version.ts'],
  diff: ['metrics'],
  agent: [
    'collectors',
    'config',
    'exporters',
    'host',
    'http',
    'kube',
    'logs',
    'metrics',
    'net',
    'pods',
    'push',
    'scrape',
    'status',
    'local-push',
    'tasks',
    'base',
  ],
  commands: [
    'agent',
    'collectors',
    'config',
    'diff',
    'exporters',
    'host',
    'http',
    'kube',
    'metrics',
    'net',
    'push',
    'receiver',
    'tasks',
    'base',
  ],
  'check-settings.ts': ['commands'],
  'launcher.mjs': ['main.ts'],
  'main.ts': ['commands', 'exporters/spool/disk.ts', 'host/statfs.ts', 'base'],
};

/** Each form of an import: with names, for its effects alone, of types in a comment, and dynamic. */
const IMPORTS = [
  /^(?:import|export)\b[^;']*?from\s+'(\.[^']+)';/gm,
  /^import\s+'(\.[^']+)';/gm,
  /@import\b[^;']*?from\s+'(\.[^']+)'/g,
  /import\(\s*(?:new URL\()?'(\.[^']+)'/g,
];

/** The relative imports in the text of a source file, as paths below src. */
const importsIn = (file: string, text: string): string[] =>
  IMPORTS.flatMap((form) => [...text.matchAll(form)].map(([, path = '']) => join(dirname(file), path)));

const importsOf = (file: string): string[] => importsIn(file, readFileSync(join(ROOT, 'src', file), 'utf8'));

const files = globSync('**/*.{ts,js,mjs}', { cwd: join(ROOT, 'src') });

test('every form of an import is seen', () => {
  const forms = [
    "import { a } from './a.ts';",
    "import {\n  b,\n  type C,\n} from '../b.ts';",
    "import './c.ts';",
    "export { d } from './d.ts';",
    "import type { E } from './e.ts';",
    "const f = await import('./f.ts');",
    "await import(new URL('./g.ts', import.meta.url).href);",
    "/** @import { H } from './h.ts' */",
    "/** @type {import('./i.js').I} */",
    "import { k } from 'node:k';",
  ];
  const found = ['room/a.ts', 'b.ts', ...['c', 'd', 'e', 'f', 'g', 'h'].map((name) => `room/${name}.ts`), 'room/i.js'];
  assert.deepEqual(importsIn('room/x.ts', forms.join('\n')).sort(), found.sort());
});

const isIn = (file: string, room: string) => file === room || file.startsWith(`${room}/`);

test('every file of src belongs to a folder of the table, and imports only what that allows', () => {
  const rooms = Object.keys(MAY_IMPORT).sort((a, b) => b.length - a.length);
  const wrong: string[] = [];
  for (const file of files) {
    const room = rooms.find((name) => isIn(file, name));
    if (room === undefined) wrong.push(`${file} is in no folder of the table`);
    for (const imported of importsOf(file)) {
      const allowed = [room ?? file, ...(MAY_IMPORT[room ?? ''] ?? [])];
      if (!allowed.some((name) => isIn(imported, name))) wrong.push(`${file} imports ${imported}`);
    }
  }
  assert.deepEqual(wrong, []);
});

/** The circles of a graph, each as the nodes that it passes. */
function circlesOf(graph: ReadonlyMap<string, Iterable<string>>): string[] {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (node: string, trail: readonly string[]) => {
    if (trail.includes(node)) {
      circles.push([...trail.slice(trail.indexOf(node)), node].join(' → '));
      return;
    }
    if (done.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...trail, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return circles;
}

/** Pairs of nodes as a graph, without those of a node with itself. */
function graphOf(pairs: Iterable<readonly [from: string, to: string]>): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const [from, to] of pairs) if (from !== to) graph.set(from, (graph.get(from) ?? new Set()).add(to));
  return graph;
}

test('there are no circular imports', () => {
  assert.deepEqual(circlesOf(new Map(files.map((file) => [file, importsOf(file)]))), []);
});

test('the table allows no circle of folders', () => {
  const folderOf = (path: string) => path.split('/')[0] ?? path;
  const pairs = Object.entries(MAY_IMPORT).flatMap(([room, allowed]) =>
    allowed.map((other) => [folderOf(room), folderOf(other)] as const),
  );
  assert.deepEqual(circlesOf(graphOf(pairs)), []);
});

test('folders next to each other import in one direction', () => {
  // A folder and its own subfolder may import each other, as in a list of types and the interface that they implement.
  const pairs = files.flatMap((file) =>
    importsOf(file).flatMap((imported) => {
      const [own, other] = [dirname(file), dirname(imported)];
      return isIn(own, other) || isIn(other, own) || own === '.' || other === '.' ? [] : [[own, other] as const];
    }),
  );
  assert.deepEqual(circlesOf(graphOf(pairs)), []);
});

test('only main.ts and the launcher end the process or listen to signals', () => {
  const guilty = files.filter((file) => {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
    return file !== 'main.ts' && file !== 'launcher.mjs' && /process\.(?:exit\(|exitCode|on\()/.test(text);
  });
  assert.deepEqual(guilty, []);
});

test('the project is self-contained', () => {
  const texts = globSync('{src,test,bench,scripts,docs,helm}/**/*.{ts,mjs,md,yaml}', { cwd: ROOT }).filter(
    (file) => !file.startsWith('test/fixtures/') && file !== relative(ROOT, fileURLToPath(import.meta.url)),
  );
  const guilty = texts.filter((file) =>
    /\.\.\/shared\b|\/work\/(?:shared|main)/.test(readFileSync(join(ROOT, file), 'utf8')),
  );
  assert.deepEqual(guilty, []);
});
