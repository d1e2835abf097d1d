import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAgentProcess } from '../kit/agent.ts';
import { scratchFolder } from '../kit/host-tree.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGES = globSync(['*.md', 'docs/**/*.md', 'helm/**/*.md'], { cwd: ROOT });
const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** The anchors that GitHub makes of a page's headings. */
const anchorsOf = (page: string) =>
  new Set(
    [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

test('links between pages lead to files and headings that are there', () => {
  const broken: string[] = [];
  for (const page of PAGES) {
    const text = textOf(page).replaceAll(/^```[\s\S]*?^```$/gm, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(?:https?|mailto):/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, file))) broken.push(`${page}: ${target}`);
      else if (anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).has(anchor)) {
        broken.push(`${page}: ${target} (no such heading)`);
      }
    }
  }
  assert.deepEqual(broken, []);
});

/** Pages for people who try it out: each command in them is run. */
const TRIED = ['README.md', 'docs/getting-started.md'];

/** The lines of a page's shell blocks; one that ends with a backslash goes on. */
const commandsOf = (page: string) =>
  [...textOf(page).matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');

/** What needs a cluster, or is what CI does anyway. */
const ELSEWHERE =
  /^(?:kubectl|helm) |^npm ci && npm (?:start|test)$|^npm run (?:-s )?(?:build|bench|check|test\S*)\b|^kill -HUP/;

const FIRESTEEL = 'npm run -s firesteel -- ';

/** Commands that go on until they are stopped, and what they print when they are at it. */
const ENDLESS: Readonly<Record<string, RegExp>> = { run: /"msg":"started"/, receive: /receiving at/ };

for (const page of TRIED) {
  for (const command of new Set(commandsOf(page))) {
    if (ELSEWHERE.test(command) && !command.includes(FIRESTEEL)) continue;
    test(`${page}: ${command}`, { timeout: 60_000 }, async (t) => {
      const at = command.indexOf(FIRESTEEL);
      assert.ok(at >= 0, 'a command that this test does not know');
      await tryCommand(t, page, command.slice(at + FIRESTEEL.length).split(/\s+/));
    });
  }
}

async function tryCommand(t: TestContext, page: string, args: string[]): Promise<void> {
  const folder = scratchFolder(t);
  // The page's own configuration file, in a folder of its own.
  const yaml = /^```yaml\n(# firesteel\.yaml\n[\s\S]*?)^```$/m.exec(textOf(page))?.[1];
  const config = join(folder, 'firesteel.yaml');
  writeFileSync(join(folder, 'password'), 'secret\n');
  if (yaml !== undefined) writeFileSync(config, yaml.replace('/etc/firesteel/password', join(folder, 'password')));
  writeFileSync(
    join(folder, 'pods.json'),
    '{"kind":"List","items":[{"kind":"Pod","metadata":{"namespace":"a","name":"b"}}]}',
  );
  const stands: Readonly<Record<string, string>> = {
    'firesteel.yaml': config,
    '-': join(folder, 'pods.json'),
    '127.0.0.1:8428': '127.0.0.1:0',
    'http://localhost:9100/metrics': join(ROOT, 'test/fixtures/node/expected.prom'),
  };
  const given = args.map((arg) => stands[arg] ?? arg);
  if (given[0] === 'run') given.push('--http.listen', '127.0.0.1:0');
  const agent = startAgentProcess(t, given);
  const pattern = ENDLESS[given[0] ?? ''];
  if (pattern) {
    await agent.printed(pattern, 20_000);
    agent.child.kill('SIGTERM');
  }
  const { code } = await agent.ended;
  // Another host's metrics do differ from this one's: that is an answer, and a usage error is not.
  const right = given[0] === 'diff' ? [0, 1] : [0];
  assert.ok(right.includes(code ?? -1), `ended with ${code}: ${agent.stdout()}${agent.stderr()}`);
}
