import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';
import { startVictoriaMetrics } from '../kit/victoria-metrics.ts';
import { IMAGE, layOutImage } from './image-root.ts';
import { endInSandbox, privilegesOf, type Sandbox, sandboxAvailable, startInSandbox } from './sandbox.ts';

const NOBODY = 65_534;

/** As in the image, except for the environment, on which nothing may depend. */
const bare = (root: string): Sandbox => ({
  root,
  mounts: [{ to: '/tmp', readOnly: false }],
  uid: NOBODY,
  gid: NOBODY,
  capabilities: [],
  env: {},
});

test('the root file system of the image', { timeout: 600_000 }, async (t) => {
  const { root, report } = layOutImage(t);
  const files = globSync('**/*', { cwd: root }).filter((path) => statSync(join(root, path)).isFile());

  await t.test('is at most 7.5 MB larger than Node and its libraries', () => {
    const megabytes = Number(/^all else\s+([\d.]+) MB/m.exec(report)?.[1]);
    assert.ok(megabytes > 1 && megabytes <= 7.5, report);
    assert.ok(Number(/^its libraries\s+([\d.]+) MB/m.exec(report)?.[1]) < 10, report);
  });

  await t.test('contains no program but Node, no shell, and no file that others cannot read', () => {
    const isElf = (path: string) => readFileSync(join(root, path)).subarray(0, 4).toString('latin1') === '\x7fELF';
    const programs = files.filter((path) => isElf(path) && !/^(?:usr\/)?lib/.test(path));
    assert.deepEqual(programs, [IMAGE.entrypoint[0]?.slice(1)]);
    for (const path of files) {
      const { mode } = statSync(join(root, path));
      assert.equal(mode & 0o6022, 0, `${path} has mode ${mode.toString(8)}`);
      assert.equal(mode & 0o004, 0o004, `${path} has mode ${mode.toString(8)}`);
    }
  });

  await t.test('lists its packages with their licences for scanners: runtime dependencies, Node, libraries', () => {
    const { components } = JSON.parse(readFileSync(join(root, 'usr/share/firesteel/sbom.cdx.json'), 'utf8')) as {
      components: { name: string; licenses?: readonly unknown[] }[];
    };
    assert.deepEqual(
      components.filter(({ licenses = [] }) => licenses.length === 0).map(({ name }) => name),
      [],
    );
    assert.ok(components.some(({ name }) => name === 'node'));
    if (existsSync('/var/lib/dpkg/status')) assert.ok(components.some(({ name }) => name.startsWith('libc')));
    const texts = gunzipSync(readFileSync(join(root, 'usr/share/doc/firesteel/third-party.txt.gz'))).toString();
    for (const name of ['pino', 'zod', 'node']) assert.match(texts, new RegExp(`^=== ${name} `, 'm'));
    const names = new Set(components.map(({ name }) => name));
    const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of Object.keys(dependencies)) {
      assert.ok(names.has(name) || names.has(name.slice(name.indexOf('/') + 1)), `${name} is not in the SBOM`);
    }
  });

  await t.test('has firesteel on PATH, which runs without a shell', async (t) => {
    if (!sandboxAvailable(t)) return;
    assert.equal(IMAGE.env.PATH, '/usr/bin');
    for (const command of [['version'], ['collect', '--only', 'node.uname']]) {
      const child = startInSandbox(t, bare(root), ['/usr/bin/firesteel', ...command]);
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      assert.match(stdout, /^(?:firesteel \d|# HELP node)/m, stderr);
    }
  });

  await t.test('starts with the prefilled compile cache, on a read-only root', async (t) => {
    if (!sandboxAvailable(t)) return;
    const env = { ...IMAGE.env, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
    const child = startInSandbox(t, { ...bare(root), env }, [...IMAGE.entrypoint, 'version']);
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const printed = stdout + stderr;
    assert.match(printed, /^firesteel \d/m);
    const accepted = [...printed.matchAll(/for ESM \S*?([^/ ]+\.mjs) was accepted/g)].map(([, name]) => name);
    assert.ok(accepted.includes('firesteel.mjs') && accepted.length >= 3, printed);
    assert.doesNotMatch(printed, /was rejected/);
  });

  await t.test('starts the agent as uid 65534 with an empty environment and pushes to VictoriaMetrics', async (t) => {
    if (!sandboxAvailable(t) || !serverAvailable(t, 'victoria-metrics')) return;
    const vm = await startVictoriaMetrics(t, scratchFolder(t));
    const flags = ['--vmagent.url', vm.url, '--push.interval', '1s', '--push.phase', '0s', '--node', 'in-the-image'];
    const agent = startInSandbox(t, bare(root), [...IMAGE.entrypoint, 'run', ...flags, '--http.listen', '127.0.0.1:0']);
    const stderr = text(agent.stderr);
    await vm.until(
      'count_over_time(node_load1{instance="in-the-image"}[1h])',
      (found) => (found[0]?.value ?? 0) >= 3,
      60_000,
    );
    assert.deepEqual(privilegesOf(agent), { uid: NOBODY, gid: NOBODY, capabilities: 0n, noNewPrivileges: true });
    assert.deepEqual(await endInSandbox(agent), 0, await stderr);
  });

  await t.test('runs a mounted script with a mounted interpreter', async (t) => {
    if (!sandboxAvailable(t) || !serverAvailable(t, 'victoria-metrics')) return;
    const vm = await startVictoriaMetrics(t, scratchFolder(t));
    const [tools, scripts] = [scratchFolder(t), scratchFolder(t)];
    // Like a container runtime for mounts.
    for (const folder of ['tools', 'scripts']) mkdirSync(join(root, folder));
    // It only needs the C library, which the image has for Node.
    copyFileSync('/bin/dash', join(tools, 'sh'));
    writeFileSync(join(scripts, 'answer'), '#!/tools/sh\nshell=$(echo ok)\necho "answer{shell=\\"$shell\\"} 42"\n');
    for (const folder of [tools, scripts]) chmodSync(folder, 0o755);
    for (const file of [join(tools, 'sh'), join(scripts, 'answer')]) chmodSync(file, 0o755);
    const mounts = [
      ...bare(root).mounts,
      { from: tools, to: '/tools', readOnly: true },
      { from: scripts, to: '/scripts', readOnly: true },
    ];
    const task = JSON.stringify([{ id: 'answer', type: 'exec', command: ['/scripts/answer'], interval: '1s' }]);
    const flags = [
      '--vmagent.url',
      vm.url,
      '--push.interval',
      '1s',
      '--node',
      'in-the-image',
      '--set',
      `tasks=${task}`,
    ];
    const agent = startInSandbox(t, { ...bare(root), mounts }, [
      ...[...IMAGE.entrypoint, 'run', ...flags, '--http.listen', '127.0.0.1:0'],
    ]);
    const stderr = text(agent.stderr);
    const [found] = await vm.until('answer{script="answer"}', ([sample]) => sample?.value === 42, 60_000);
    assert.equal(found?.metric.shell, 'ok');
    assert.deepEqual(await endInSandbox(agent), 0, await stderr);
  });
});
