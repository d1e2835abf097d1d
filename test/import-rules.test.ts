import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Which rooms of src a room may import from, beside itself; docs/architecture.md tells why. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  metrics: [],
  config: ['metrics/group.ts', 'files.ts'],
  'log.ts': [],
  'files.ts': [],
  'fnv.ts': [],
  net: [],
  host: ['log.ts', 'files.ts'],
  kube: ['net', 'log.ts'],
  'collectors/known-losses.ts': ['host'],
  'collectors/collector.ts': ['collectors/known-losses.ts', 'metrics', 'host'],
  'collectors/catalogue.ts': ['collectors', 'metrics', 'host'],
  'collectors/declared-labels.ts': ['collectors', 'metrics'],
  'collectors/node': [
    'collectors/collector.ts',
    'metrics',
    'host',
    'config/units.ts',
    'config/re2',
    'config/yaml.ts',
    'files.ts',
  ],
  'collectors/process': [
    'collectors/collector.ts',
    'metrics',
    'host',
    'config/units.ts',
    'config/re2',
    'config/yaml.ts',
    'files.ts',
  ],
  'collectors/container': [
    'collectors/collector.ts',
    'metrics',
    'host',
    'config/http-url.ts',
    'config/units.ts',
    'config/re2',
    'config/yaml.ts',
    'config/secret-file.ts',
    'kube',
    'log.ts',
    'files.ts',
  ],
  'collectors/ksm': [
    'collectors/collector.ts',
    'metrics',
    'host',
    'config/units.ts',
    'config/re2',
    'config/yaml.ts',
    'kube',
    'fnv.ts',
    'log.ts',
    'files.ts',
  ],
  exporters: ['metrics', 'config', 'net', 'log.ts', 'files.ts'],
  push: ['metrics', 'exporters/exporter.ts', 'fnv.ts', 'log.ts'],
  http: [
    'metrics',
    'config/load.ts',
    'config/secret-file.ts',
    'config/units.ts',
    'config/re2',
    'config/yaml.ts',
    'files.ts',
  ],
  status: ['metrics', 'http/status-view.ts', 'host/turns.ts', 'log.ts', 'files.ts'],
  receiver: ['metrics'],
  diff: ['metrics'],
  'memory.ts': ['host/program-pages.ts', 'log.ts'],
  'state-role.ts': ['collectors/ksm', 'config', 'http', 'kube', 'log.ts', 'memory.ts', 'metrics'],
  'parts.ts': [],
  'reload.ts': ['log.ts'],
  'assembly.ts': [
    'parts.ts',
    'state-role.ts',
    'collectors',
    'config',
    'exporters',
    'host',
    'http',
    'kube',
    'log.ts',
    'metrics',
    'push',
  ],
  'status-api.ts': ['assembly.ts', 'reload.ts', 'config', 'http', 'log.ts', 'metrics', 'push', 'status'],
  'agent.ts': [
    'assembly.ts',
    'parts.ts',
    'reload.ts',
    'status-api.ts',
    'collectors/node/report.ts',
    'config',
    'exporters',
    'http',
    'log.ts',
    'metrics',
    'push',
  ],
  commands: [
    'agent.ts',
    'assembly.ts',
    'state-role.ts',
    'collectors',
    'config',
    'diff',
    'exporters',
    'host',
    'http',
    'kube',
    'log.ts',
    'memory.ts',
    'metrics',
    'push',
    'receiver',
  ],
  'main.ts': ['commands', 'exporters/spool/disk.ts', 'host/statfs.ts', 'host/watchdog.ts', 'log.ts'],
};

/** The relative imports of a source file, as paths below src. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, 'src', file), 'utf8');
  const paths = [...text.matchAll(/^(?:import|export)\b[^;]*?from\s+'(\.[^']+)';|import\('(\.[^']+)'\)/gm)];
  return paths.map((match) => join(dirname(file), match[1] ?? match[2] ?? ''));
}

const files = globSync('**/*.ts', { cwd: join(ROOT, 'src') });

const isIn = (file: string, room: string) => file === room || file.startsWith(`${room}/`);

test('every file of src has a room, and imports only what its room may', () => {
  const rooms = Object.keys(MAY_IMPORT).sort((a, b) => b.length - a.length);
  const wrong: string[] = [];
  for (const file of files) {
    const room = rooms.find((name) => isIn(file, name));
    if (room === undefined) wrong.push(`${file} is in no room`);
    for (const imported of importsOf(file)) {
      const allowed = [room ?? file, ...(MAY_IMPORT[room ?? ''] ?? [])];
      if (!allowed.some((name) => isIn(imported, name))) wrong.push(`${file} imports ${imported}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('no imports go in a circle', () => {
  const graph = new Map(files.map((file) => [file, importsOf(file)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, trail: readonly string[]) => {
    if (trail.includes(file)) {
      circles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const imported of graph.get(file) ?? []) visit(imported, [...trail, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  assert.deepEqual(circles, []);
});

test('only main.ts ends the process or listens to signals', () => {
  const guilty = files.filter((file) => {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
    return file !== 'main.ts' && /process\.(?:exit\(|exitCode|on\()/.test(text);
  });
  assert.deepEqual(guilty, []);
});

test('the project stands alone', () => {
  const texts = globSync('{src,test,bench,scripts,docs,helm}/**/*.{ts,mjs,md,yaml}', { cwd: ROOT }).filter(
    (file) => !file.startsWith('test/fixtures/') && file !== relative(ROOT, fileURLToPath(import.meta.url)),
  );
  const guilty = texts.filter((file) =>
    /\.\.\/shared\b|\/work\/(?:shared|main)/.test(readFileSync(join(ROOT, file), 'utf8')),
  );
  assert.deepEqual(guilty, []);
});
