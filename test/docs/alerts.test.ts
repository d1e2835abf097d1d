import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { RUNBOOK, SECTIONS } from '../../scripts/alerts/rules.ts';
import { DASHBOARDS } from '../../scripts/dashboards/index.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const page = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}
interface RuleFile {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
}
const rulesOf = (path: string) => (parse(page(path)) as RuleFile).groups.flatMap((group) => group.rules);
const rules = rulesOf('docs/alerts/rules.yaml');
const runbook = page('docs/runbook.md');

for (const section of SECTIONS) {
  const file = `helm/files/alerts/${section}.yaml`;
  const tests = section === 'agent' ? 'docs/alerts/tests.yaml' : `docs/alerts/${section}-tests.yaml`;

  test(`the alerts of ${section} fire when they should, and only then`, { timeout: 120_000 }, async (t) => {
    if (!serverAvailable(t, 'vmalert-tool')) return;
    const folder = scratchFolder(t);
    // The same address for each would only be noise in the expected results.
    const bare = rulesOf(file).map((rule) => ({ ...rule, annotations: omitRunbook(rule.annotations) }));
    writeFileSync(join(folder, 'rules.yaml'), stringify({ groups: [{ name: section, rules: bare }] }));
    writeFileSync(join(folder, 'tests.yaml'), page(tests));
    // It exits with 1 and reports differences on standard error, which is in the message of the rejection.
    await run('vmalert-tool', ['unittest', '--files=tests.yaml', '--disableAlertgroupLabel'], {
      cwd: folder,
      timeout: 100_000,
    });
  });

  test(`every alert of ${section} has a test, and a heading in the runbook at its runbook_url`, () => {
    const expected = page(tests);
    for (const { alert, annotations } of rulesOf(file)) {
      assert.ok(expected.includes(`alertname: ${alert}\n`), `${alert} is never expected to fire`);
      assert.ok(runbook.includes(`### ${alert}\n`), `${alert} is not in docs/runbook.md`);
      assert.equal(annotations.runbook_url, `${RUNBOOK}#${alert.toLowerCase()}`);
    }
  });
}

const omitRunbook = ({ runbook_url: _, ...rest }: Rule['annotations']) => rest;

test('vmalert and Prometheus accept the rules file unchanged', { timeout: 120_000 }, async (t) => {
  if (!serverAvailable(t, 'vmalert') || !serverAvailable(t, 'prometheus')) return;
  const file = join(ROOT, 'docs/alerts/rules.yaml');
  await run('vmalert', ['-dryRun', `-rule=${file}`], { timeout: 120_000 });
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'prometheus.yaml'), stringify({ rule_files: [file] }));
  const flags = (port: number) => [
    `--config.file=${folder}/prometheus.yaml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const url = await startServer(t, 'prometheus', flags, '/-/ready');
  const answer = await fetch(`${url}/api/v1/rules`, { signal: AbortSignal.timeout(60_000) });
  const { data } = (await answer.json()) as { data: { groups: { rules: { name: string }[] }[] } };
  const loaded = data.groups.flatMap((group) => group.rules.map(({ name }) => name));
  assert.deepEqual(loaded.sort(), rules.map(({ alert }) => alert).sort());
});

test('the guides list the alerts for a Pushgateway and on host events', () => {
  for (const [section, path] of [
    ['pushgateway', 'docs/pushgateway.md'],
    ['host-events', 'docs/logs.md'],
  ] as const) {
    const guide = page(path);
    for (const { alert } of rulesOf(`helm/files/alerts/${section}.yaml`)) {
      assert.ok(guide.includes(`\`${alert}\``), `${alert} is not in ${path}`);
    }
  }
});

test('every self metric is in docs/operations.md, and everything that alerts and dashboards use exists', () => {
  const sources = globSync('src/**/*.ts', { cwd: ROOT }).map(page).join('\n');
  const selfMetrics = new Set([...sources.matchAll(/'(firesteel_[a-z_]+)'/g)].map(([, name]) => name as string));
  const operations = page('docs/operations.md');
  assert.deepEqual(
    [...selfMetrics].filter((name) => !operations.includes(`\`${name}\``)),
    [],
  );
  const queries = DASHBOARDS.flatMap(({ rows }) => rows.flatMap(({ panels }) => panels.map(({ query }) => query)));
  const asked = [...rules.map(({ expr }) => expr), ...queries].join('\n');
  const unknown = [...asked.matchAll(/\bfiresteel_[a-z_]+/g)]
    .map(([name]) => name.replace(/_(bucket|sum|count)$/, ''))
    .filter((name) => !selfMetrics.has(name));
  assert.deepEqual(unknown, []);
});
