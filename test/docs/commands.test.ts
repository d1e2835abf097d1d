import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAgentProcess } from '../kit/agent.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { freePort } from '../kit/free-port.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';

/** The documentation as tests: each command in it is run, if this machine has what it needs. */
const ROOT = join(import.meta.dirname, '..', '..');
const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8');

const PAGES = [
  'README.md',
  'docs/getting-started.md',
  'docs/install.md',
  ...globSync('docs/migrate/*.md', { cwd: ROOT }).sort(),
  'docs/runbook.md',
  'docs/operations.md',
  'helm/README.md',
];

/** Commands that do not run here, with the reason. All others must be commands of this project. */
const ELSEWHERE: readonly (readonly [command: RegExp, reason: string])[] = [
  [/^helm (?:install|upgrade|test|uninstall) /, 'needs a cluster; test/helm renders the chart'],
  [/^kubectl (?!.* -- firesteel )(?!.*npm run)/, 'needs a cluster'],
  [/^npm ci && npm (?:start|test)$/, 'is how CI begins'],
];

/** The lines of a page's shell blocks; one that ends with a backslash is continued. */
const linesOf = (page: string) =>
  [...textOf(page).matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)]
    .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');

/** Commands in the sentences of the runbook. */
const inlineOf = (page: string) =>
  [...textOf(page).matchAll(/`(firesteel [a-z][^`]*)`/g)].map(([, line = '']) => line.replaceAll(/\s+/g, ' '));

/** The arguments of a firesteel command, however it is started. */
const argumentsOf = (line: string): string[] | undefined =>
  /(?:^|^npm run -s |\| npm run -s |^kubectl .* -- )firesteel (?:-- )?(.+)$/.exec(line)?.[1]?.split(/\s+/);

for (const page of PAGES) {
  const lines = [...linesOf(page), ...(/runbook|operations/.test(page) ? inlineOf(page) : [])];
  for (const line of new Set(lines)) {
    const elsewhere = ELSEWHERE.find(([command]) => command.test(line));
    if (elsewhere) {
      test(`${page}: ${line}`, { skip: elsewhere[1] });
      continue;
    }
    test(`${page}: ${line}`, { timeout: 120_000 }, async (t) => {
      const args = argumentsOf(line);
      assert.ok(args, 'an unknown command: run it in this test, or add a reason to ELSEWHERE');
      await tryCommand(t, page, args);
    });
  }
}

test('commands that do not run here still exist in the pages', () => {
  const all = PAGES.flatMap(linesOf);
  for (const [command, reason] of ELSEWHERE)
    assert.ok(
      all.some((line) => command.test(line)),
      reason,
    );
});

/** Commands that run until they are stopped, and what they print when they have started. */
const ENDLESS: Readonly<Record<string, RegExp>> = { run: /"msg":"started"/, receive: /receiving at/ };

/** Commands that talk to a running agent. */
const OF_AN_AGENT = ['status', 'support-bundle', 'tasks'];

/** Permitted exit codes: another host's metrics differ from this one's, and no receiver listens; a usage error is 2. */
const RESPONSES: Readonly<Record<string, readonly number[]>> = {
  diff: [0, 1],
  'check-config --connect': [0, 1],
  status: [0, 3, 4],
};

const SMALL = 'push: { interval: 5s }\nexporters: { main: { type: vmagent, url: "http://127.0.0.1:9" } }\n';

async function tryCommand(t: TestContext, page: string, args: readonly string[]): Promise<void> {
  const folder = scratchFolder(t);
  const config = join(folder, 'firesteel.yaml');
  writeFileSync(join(folder, 'password'), 'secret\n');
  // The page's configuration file, in a separate folder.
  const own = /^```yaml\n(# firesteel\.yaml\n[\s\S]*?)^```$/m.exec(textOf(page))?.[1];
  writeFileSync(config, (own ?? SMALL).replace('/etc/firesteel/password', join(folder, 'password')));
  const pods = join(folder, 'pods.json');
  writeFileSync(pods, '{"kind":"List","items":[{"kind":"Pod","metadata":{"namespace":"a","name":"b"}}]}');
  const given = args.map((argument) => standFor(argument, { config, pods }));
  const [name = ''] = given;
  if (name === 'run') given.push('--http.listen', '127.0.0.1:0');
  if (name === 'diff') given.push('--seconds', '0');
  if (given.includes(KUBE_STATE)) given.push(...(await clusterFlags(t, folder)));
  if (OF_AN_AGENT.includes(name)) given.push('--url', await runningAgent(t, folder));
  if (name === 'tasks') given.push('--token-file', join(folder, 'token'));
  if (name === 'support-bundle') given.push('-o', join(folder, 'bundle.json'));
  const process = startAgentProcess(t, given);
  const pattern = ENDLESS[name];
  if (pattern) {
    await process.printed(pattern);
    process.child.kill('SIGTERM');
  }
  const { code } = await process.ended;
  const answers = RESPONSES[given.includes('--connect') ? `${name} --connect` : name] ?? [0];
  assert.ok(answers.includes(code ?? -1), `ended with ${code}: ${process.stdout()}${process.stderr()}`);
}

const NODE = join(ROOT, 'test/fixtures/node/expected.prom');
const KUBE_STATE = fixture('cluster-cgroupv1/ksm.prom');

/** Replacements on this machine for names in a page. */
function standFor(argument: string, { config, pods }: { readonly config: string; readonly pods: string }): string {
  if (/^(?:firesteel\.yaml|FILE|\/etc\/firesteel\/config\.yaml)$/.test(argument)) return config;
  if (/^http:.*kube-state-metrics/.test(argument)) return KUBE_STATE;
  if (/^http:.*\/metrics$/.test(argument)) return NODE;
  if (argument === '127.0.0.1:8428') return '127.0.0.1:0';
  if (argument === '-') return pods;
  return argument === 'ID' ? 'a-task' : argument;
}

/** A cluster to compare with kube-state-metrics. */
async function clusterFlags(t: TestContext, folder: string): Promise<readonly string[]> {
  const server = await startFakeApi(t);
  loadRecordedCluster(server.cluster);
  writeFileSync(join(folder, 'kubeconfig'), server.kubeconfig());
  return ['--set', `collectors.ksm.kubeconfig=${join(folder, 'kubeconfig')}`];
}

/** An agent with a task; resolves to its URL. */
async function runningAgent(t: TestContext, folder: string): Promise<string> {
  const listen = `127.0.0.1:${await freePort()}`;
  writeFileSync(join(folder, 'token'), 'a-token\n');
  const agent = startAgentProcess(t, [
    ...['run', '--http.listen', listen, '--set', `http.controlTokenFile=${join(folder, 'token')}`],
    ...['--set', 'tasks=[{"id":"a-task","type":"node.loadavg","interval":"1h"}]'],
  ]);
  await agent.printed(ENDLESS.run as RegExp);
  return `http://${listen}`;
}
