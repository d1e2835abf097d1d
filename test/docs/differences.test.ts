import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KUBE_STATE_METRICS_RESOURCES } from '../../scripts/differences/kube-state-metrics.ts';
import { LEFT_OUT_COLLECTORS } from '../../scripts/differences/node-exporter.ts';
import { differencesPage, PROGRAMS } from '../../scripts/differences/page.ts';
import { resources } from '../../src/collectors/ksm/resources/index.ts';
import { nodeCollectors } from '../../src/collectors/node/index.ts';
import { serverAvailable } from '../kit/servers.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/config.schema.json'), 'utf8')) as Schema;

/** Whether the configuration has a setting; `NAME` stands for a name that users choose. */
function has(place: Schema, path: readonly string[]): boolean {
  const [first, ...rest] = path;
  if (first === undefined) return true;
  const { properties, additionalProperties, anyOf = [], oneOf = [], allOf = [] } = place;
  const next = first === 'NAME' ? additionalProperties : properties?.[first];
  if (typeof next === 'object' && has(next, rest)) return true;
  return [...anyOf, ...oneOf, ...allOf].some((one) => has(one, path));
}

test('each setting in the tables of flags exists in the configuration', () => {
  const wrong = Object.entries(PROGRAMS).flatMap(([program, flags]) =>
    Object.entries(flags).flatMap(([flag, { settings }]) =>
      settings.filter((path) => !has(schema, path.split('.'))).map((path) => `${program} --${flag}: ${path}`),
    ),
  );
  assert.deepEqual(wrong, []);
  assert.equal(has(schema, ['collectors', 'node', 'nothing']), false, 'the check itself can fail');
});

test('a flag without a setting has a reason', () => {
  for (const flags of Object.values(PROGRAMS)) {
    for (const [flag, { settings, note }] of Object.entries(flags)) assert.ok(settings.length > 0 || note !== '', flag);
  }
});

test('omitted collectors do not exist', () => {
  const names = new Set(nodeCollectors.map(({ name }) => name));
  assert.deepEqual(
    Object.keys(LEFT_OUT_COLLECTORS).filter((name) => names.has(name)),
    [],
  );
});

test('the page names the resources that kube-state-metrics does not have', () => {
  const sentence = /^- Resources that kube-state-metrics does not have.*$/m;
  const page = differencesPage([{ name: 'pods' }, { name: 'podtemplates' }, { name: 'runtimeclasses' }]);
  assert.match(sentence.exec(page)?.[0] ?? '', /: `podtemplates`, `runtimeclasses`\.$/);
  assert.doesNotMatch(differencesPage([{ name: 'pods' }]), sentence);
});

test('a resource that kube-state-metrics does not have is off by default, and its families are ALPHA', () => {
  const added = resources.filter(({ name }) => !KUBE_STATE_METRICS_RESOURCES.has(name));
  const wrong = added.flatMap(({ name, enabled, families }) => [
    ...(enabled ? [name] : []),
    ...families.filter(({ stability }) => stability !== 'ALPHA').map(({ family }) => family.name),
  ]);
  assert.deepEqual(wrong, [], 'if kube-state-metrics has it now, add it to KUBE_STATE_METRICS_RESOURCES');
});

/** The flags that a program lists, without dashes and `[no-]`. */
function flagsOf(command: string): string[] {
  const { stdout, stderr } = spawnSync(command, ['--help'], { encoding: 'utf8', timeout: 120_000 });
  const found = `${stdout}${stderr}`.matchAll(/^ +(?:-h, )?--?(?:\[no-\])?([a-z][a-zA-Z0-9._-]*)/gm);
  return [...found].map(([, flag = '']) => flag).filter((flag) => flag !== 'h');
}

/** Names of older versions, and of packages that rename a flag. */
const ALIASES: Readonly<Record<string, string>> = { 'collector.bcache.priority': 'collector.bcache.priorityStats' };

for (const [program, server] of [
  ['node_exporter', 'prometheus-node-exporter'],
  ['process-exporter', 'prometheus-process-exporter'],
] as const) {
  test(`each flag of the real ${program} is in its table`, (context) => {
    if (!serverAvailable(context, server)) return;
    const flags = flagsOf(server);
    assert.ok(flags.length > 10, 'its help was understood');
    const collectors = new Set([...nodeCollectors.map(({ name }) => name), ...Object.keys(LEFT_OUT_COLLECTORS)]);
    const missing = flags.filter((flag) => {
      const [, collector] = /^collector\.([a-z_0-9]+)$/.exec(flag) ?? [];
      if (collector !== undefined && collectors.has(collector)) return false;
      return PROGRAMS[program]?.[ALIASES[flag] ?? flag] === undefined;
    });
    assert.deepEqual(missing, []);
  });
}
