import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { scratchFolder } from '../kit/host-tree.ts';
import { serverAvailable } from '../kit/servers.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const page = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
interface Spec {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
}
const specOf = (path: string) => (parse(page(path)) as { spec: Spec }).spec;
const rulesOf = ({ groups }: Spec) => groups.flatMap((group) => group.rules);
const rules = rulesOf(specOf('docs/alerts/prometheusrule.yaml'));

const FILES: readonly (readonly [rules: string, tests: string])[] = [
  ['docs/alerts/prometheusrule.yaml', 'docs/alerts/tests.yaml'],
  ['docs/alerts/pushgateway.yaml', 'docs/alerts/pushgateway-tests.yaml'],
  ['docs/alerts/host-events.yaml', 'docs/alerts/host-events-tests.yaml'],
  ['docs/alerts/events.yaml', 'docs/alerts/events-tests.yaml'],
];

for (const [file, tests] of FILES) {
  test(`the alerts of ${file} fire when they should, and only then`, { timeout: 120_000 }, async (t) => {
    if (!serverAvailable(t, 'vmalert-tool')) return;
    const folder = scratchFolder(t);
    writeFileSync(join(folder, 'rules.yaml'), stringify(specOf(file)));
    writeFileSync(join(folder, 'tests.yaml'), page(tests));
    // It ends with 1 and reports what differs on standard error, which is in the message of the rejection.
    await run('vmalert-tool', ['unittest', '--files=tests.yaml', '--disableAlertgroupLabel'], {
      cwd: folder,
      timeout: 100_000,
    });
  });
}

test('every alert for a Pushgateway has a test and a line in its guide', () => {
  const [tests, guide] = [page('docs/alerts/pushgateway-tests.yaml'), page('docs/pushgateway.md')];
  for (const { alert } of rulesOf(specOf('docs/alerts/pushgateway.yaml'))) {
    assert.ok(tests.includes(`alertname: ${alert}\n`), `${alert} is never expected to fire`);
    assert.ok(guide.includes(`\`${alert}\``), `${alert} is not in docs/pushgateway.md`);
  }
});

test('every alert on events of the host has a test and a line in the page on logs', () => {
  const [tests, guide] = [page('docs/alerts/host-events-tests.yaml'), page('docs/logs.md')];
  for (const { alert } of rulesOf(specOf('docs/alerts/host-events.yaml'))) {
    assert.ok(tests.includes(`alertname: ${alert}\n`), `${alert} is never expected to fire`);
    assert.ok(guide.includes(`\`${alert}\``), `${alert} is not in docs/logs.md`);
  }
});

test('every alert has a test and a place in the runbook', () => {
  const [tests, runbook] = [page('docs/alerts/tests.yaml'), page('docs/operations.md')];
  for (const { alert } of rules) {
    assert.ok(tests.includes(`alertname: ${alert}\n`), `${alert} is never expected to fire`);
    assert.ok(runbook.includes(`### ${alert}\n`), `${alert} is not in docs/operations.md`);
  }
});

test('every self metric is in the runbook, and what the alerts and the dashboard ask for exists', () => {
  const sources = globSync('src/**/*.ts', { cwd: ROOT }).map(page).join('\n');
  const told = new Set([...sources.matchAll(/'(firesteel_[a-z_]+)'/g)].map(([, name]) => name as string));
  const runbook = page('docs/operations.md');
  assert.deepEqual(
    [...told].filter((name) => !runbook.includes(`\`${name}\``)),
    [],
  );
  const asked = [...rules.map(({ expr }) => expr), page('docs/dashboards/firesteel.json')].join('\n');
  const unknown = [...asked.matchAll(/\bfiresteel_[a-z_]+/g)]
    .map(([name]) => name.replace(/_(bucket|sum|count)$/, ''))
    .filter((name) => !told.has(name));
  assert.deepEqual(unknown, []);
});
