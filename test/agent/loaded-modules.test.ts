import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { POD_INFO_PATH } from '../../src/kube/pod-info.ts';
import { type AgentProcess, BUNDLE, startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const PRELOADED = fileURLToPath(new URL('../kit/loaded-modules.mjs', import.meta.url));
const PATIENCE_MS = 60_000;

interface Loaded {
  /** Files of the bundle. */
  readonly files: readonly string[];
  /** Source files of all loaded code, as paths within the project. */
  readonly sources: readonly string[];
  readonly builtins: readonly string[];
  /** Bytes of the heap in use. */
  readonly heapUsed: number;
}

/** A receiver, which is also a state agent that knows no pods; how often each was asked. */
async function receiver(t: TestContext) {
  const asked = { pushes: 0, names: 0 };
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url?.startsWith(POD_INFO_PATH)) {
        asked.names++;
        response.end('{"pods":[]}');
      } else {
        asked.pushes++;
        response.writeHead(204).end();
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const until = async (what: string, holds: () => boolean) => {
  const deadline = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/**
 * The code that an agent with these settings, pushing to a receiver over http://, has loaded after its first pushes;
 * `before` is what it does before that.
 */
async function loadedBy(
  t: TestContext,
  settings: readonly string[] = [],
  before: (agent: AgentProcess) => Promise<void> = async () => {},
): Promise<Loaded> {
  const { url, asked } = await receiver(t);
  const list = join(scratchFolder(t), 'loaded.json');
  const set = settings.flatMap((one) => ['--set', one]);
  const flags = ['--vmagent.url', url, '--push.interval', '1s', '--http.listen', '127.0.0.1:0'];
  const agent = startAgentProcess(t, ['run', ...flags, ...set], { LOADED_MODULES: list }, ['--import', PRELOADED]);
  await until('pushes', () => asked.pushes > 8);
  await before(agent);
  agent.child.kill('SIGUSR2');
  await until('the list of modules', () => existsSync(list) && readFileSync(list, 'utf8').endsWith('}'));
  const written: Omit<Loaded, 'sources'> = JSON.parse(readFileSync(list, 'utf8'));
  const bundled = written.files.map((file) => fileURLToPath(file)).filter((file) => existsSync(`${file}.map`));
  const sources = bundled.flatMap((file) => {
    const map = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { readonly sources: readonly string[] };
    return map.sources.map((source) => relative(PROJECT, join(dirname(file), source)));
  });
  assert.ok(sources.includes('src/agent/agent.ts'), 'the list is that of the agent');
  return { ...written, files: bundled, sources };
}

const isBundle = BUNDLE.endsWith('.mjs');
const found = (names: readonly string[], pattern: RegExp) => names.filter((name) => pattern.test(name));

/** Those for logging, for its own metrics and for the times of pushes, with what they need. */
const LIBRARIES = new Set([
  ...['pino', '@pinojs/redact', 'atomic-sleep', 'on-exit-leak-free', 'pino-std-serializers', 'quick-format-unescaped'],
  ...['safe-stable-stringify', 'sonic-boom', 'thread-stream', 'prom-client', 'bintrees', 'tdigest', 'node-cron'],
]);

test('a node agent loads no library that is only needed for reading a configuration or by other roles', {
  skip: !isBundle,
}, async (t) => {
  // The names of containers come from state agents, and the configuration is read twice.
  const { url, asked } = await receiver(t);
  const identity = { source: 'state', url };
  const settings = [`collectors.container.identity=${JSON.stringify(identity)}`];
  const { sources, builtins } = await loadedBy(t, settings, async (agent) => {
    await until('names', () => asked.names > 0);
    agent.child.kill('SIGHUP');
    await agent.printed(/"msg":"configuration reloaded/);
  });
  const libraries = sources.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  assert.ok(libraries.includes('pino'), 'libraries are recognized');
  assert.deepEqual(
    libraries.filter((name) => !LIBRARIES.has(name)),
    [],
  );
  assert.deepEqual(found(builtins, /^(?:https|tls|http2|.*undici|.*webcrypto)$/), []);
});

test('the chunks that a node agent loads at its start are joined', { skip: !isBundle }, async (t) => {
  const { files } = await loadedBy(t);
  assert.ok(files.length < 15, files.join(' '));
});

const foldersIn = (folder: string): string[] =>
  readdirSync(join(PROJECT, 'src', folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name));

/** What every node agent needs, or what is divided further. */
const NEEDED = new Set([
  ...['agent', 'base', 'commands', 'config', 'host', 'http', 'kube', 'metrics', 'net', 'pods', 'push', 'status'],
  ...['collectors', 'collectors/container', 'collectors/node', 'collectors/process', 'exporters'],
]);

/** Roles and groups that are off unless they are configured: all others, so also new ones. */
const ROLES = [...foldersIn(''), ...foldersIn('collectors')].filter((folder) => !NEEDED.has(folder));

/** Settings and names of families belong to lists, which are always loaded. */
const LISTS = /\/(?:index|section|settings|type|field-selection|options|families|sources)\.ts$/;

/** Types of exporters by folder, without what types share. */
const SHARED = ['delivery', 'http', 'prompb', 'spool'];
const TYPES = foldersIn('exporters').filter((folder) => !SHARED.includes(basename(folder)));

/** Loaded files of `folders` other than lists. */
const codeOf = (sources: readonly string[], folders: readonly string[]) =>
  sources.filter((source) => folders.some((folder) => source.startsWith(`src/${folder}/`)) && !LISTS.test(source));

test('a node agent loads no code of disabled features', { skip: !isBundle }, async (t) => {
  const { sources } = await loadedBy(t);
  const types = TYPES.filter((name) => name !== 'exporters/victoriametrics');
  assert.ok(types.length > 4 && ROLES.length > 8);
  assert.deepEqual(codeOf(sources, [...ROLES, ...types]), []);
  // Stale markers are messages of remote write.
  assert.deepEqual(codeOf(sources, ['exporters/prompb']), ['src/exporters/prompb/bytes.ts']);
  // What ends the program asks about operations of disks.
  assert.deepEqual(codeOf(sources, ['exporters/spool']), ['src/exporters/spool/disk.ts']);
});

test('an agent that reads no host, as a state agent, loads no collectors for it', { skip: !isBundle }, async (t) => {
  const groups = ['node', 'container', 'process'];
  const { sources } = await loadedBy(
    t,
    groups.map((group) => `collectors.${group}.enabled=false`),
  );
  const folders = groups.map((group) => `collectors/${group}`);
  // The labels of every group with nodes, and the names of processes' containers.
  assert.deepEqual(codeOf(sources, folders), ['src/collectors/node/report.ts']);
});

/** All of these groups, configured, but off. */
const OFF = {
  'collectors.event': '{enabled: false, maxSeries: 500}',
  'collectors.journal.enabled': 'false',
  'collectors.kernel.enabled': 'false',
  'collectors.ksm': '{enabled: false, resources: [pods]}',
  'collectors.log': '{enabled: false, files: [{paths: [/var/log/a.log], rules: [{pattern: error}]}]}',
  'collectors.snmp': '{enabled: false, listen: 127.0.0.1:1162}',
  'exporters.other': '{type: remotewrite, url: "http://127.0.0.1:1/api/v1/write", enabled: false}',
  localPush: '{enabled: false, socket: /run/firesteel.sock}',
  'logs.events.enabled': 'false',
  'logs.files': '[]',
  'logs.journal.enabled': 'false',
  'logs.kernel.enabled': 'false',
  'logs.snmp.enabled': 'false',
  'scrape.targets': '[]',
  tasks: '[]',
};

/** The settings of {@link OFF} themselves, and what two heaps of equal agents differ by: 20 to 40 kB measured. */
const DIFFERENT_BYTES = 131_072;
const PAIRS = 3;

/** Size of the sources of {@link LISTS} and settings that every agent loads for groups that are off; 38 of 1,720 kB. */
const LISTED_BYTES = 45_000;

// The bytes in use after a full collection instead of RSS: two equal agents differ by 2 MiB of RSS, by pages that V8 and
// malloc have not returned yet.
test('disabled groups cost nothing, configured or not', { skip: !isBundle }, async (t) => {
  const without = await loadedBy(t);
  const settings = Object.entries(OFF).map(([path, value]) => `${path}=${value}`);
  const off = await loadedBy(t, settings);
  assert.deepEqual(off.files, without.files);
  assert.deepEqual(off.builtins, without.builtins);
  // The least of several, as a cycle in progress on a busy machine takes more than the limit.
  const least = { without: without.heapUsed, off: off.heapUsed };
  for (let pair = 1; pair < PAIRS && least.off - least.without > DIFFERENT_BYTES; pair++) {
    least.without = Math.min(least.without, (await loadedBy(t)).heapUsed);
    least.off = Math.min(least.off, (await loadedBy(t, settings)).heapUsed);
  }
  const more = least.off - least.without;
  assert.ok(more < DIFFERENT_BYTES, `${more} bytes of ${least.without}`);
  const folders = [...ROLES, ...TYPES.filter((name) => name !== 'exporters/victoriametrics')];
  const listed = without.sources.filter((source) => folders.some((folder) => source.startsWith(`src/${folder}/`)));
  const bytes = listed.reduce((sum, source) => sum + statSync(join(PROJECT, source)).size, 0);
  assert.ok(bytes < LISTED_BYTES, `${bytes} bytes: ${listed.join(' ')}`);
});

test('an agent with a spool loads it', { skip: !isBundle }, async (t) => {
  const { sources } = await loadedBy(t, [`spool.path=${scratchFolder(t)}`]);
  assert.ok(sources.includes('src/exporters/spool/spool.ts'));
  assert.ok(sources.includes('src/exporters/delivery/replay.ts'));
});

test('enabled features are loaded, and nothing else', { skip: !isBundle }, async (t) => {
  const { url } = await receiver(t);
  const on = {
    'exporters.gateway': `{type: pushgateway, url: ${url}}`,
    'exporters.remote': `{type: remotewrite, url: ${url}/api/v1/write}`,
    'collectors.log.enabled': 'true',
    'scrape.targets': `[{urls: ["${url}/metrics"], job: self}]`,
  };
  const { sources } = await loadedBy(
    t,
    Object.entries(on).map(([path, value]) => `${path}=${value}`),
  );
  const loaded = ['scrape', 'collectors/log', 'exporters/pushgateway', 'exporters/remotewrite'];
  for (const folder of loaded) assert.notDeepEqual(codeOf(sources, [folder]), [], folder);
  const rest = [...ROLES, ...TYPES].filter((name) => ![...loaded, 'exporters/victoriametrics'].includes(name));
  // Scrapes are scheduled like tasks.
  assert.deepEqual(codeOf(sources, rest), ['src/tasks/heap.ts', 'src/tasks/schedule.ts']);
});
