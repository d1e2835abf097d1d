import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { containerFamilies } from '../src/collectors/container/families.ts';
import { machineFamilies } from '../src/collectors/container/machine.ts';
import { eventFamilies } from '../src/collectors/event/families.ts';
import { resources } from '../src/collectors/ksm/resources/index.ts';
import { LOG_COLLECTORS } from '../src/collectors/log/section.ts';
import { nodeCollectors } from '../src/collectors/node/index.ts';
import { families as processFamilies } from '../src/collectors/process/families.ts';
import type { Family } from '../src/metrics/family.ts';
import { ownFamilies } from '../src/scrape/own-series.ts';
import { loadTaskType, taskTypeNames } from '../src/tasks/types/index.ts';
import { EXPECTED } from './collectors/ksm/expected-samples.ts';
import { INFINIBAND, POWER_SUPPLY } from './collectors/node/family-tables.ts';
import { expectedNames, namesInFile, sampleNames, textsOf } from './kit/expected-names.ts';
import { fixture } from './kit/host-tree.ts';
import { loadScenes } from './kit/scene.ts';

// Each family that is declared has an expected value in the tests of its group, in a recorded output or in code, or is
// named in EXEMPT with the reason why it has none. Otherwise a family without samples would pass all tests.

const HERE = import.meta.dirname;
const ROOT = join(HERE, '..');

/** Families without an expected value. */
const EXEMPT: Readonly<Record<string, string>> = {
  firesteel_cycles_skipped_total: 'only a busy machine skips: e2e/push.test.ts compares it with the missing ticks',
  node_network_altnames_info: 'alternative names come over netlink of the live host; netlink.test.ts decodes them',
  node_network_receive_nohandler_total: 'read only in the network namespace of the host; network-devices.test.ts',
};

interface Group {
  readonly declared: readonly string[];
  /** Recorded outputs with which tests compare, and expected samples that are data. */
  readonly recorded?: readonly string[];
  /** Test files below this folder. */
  readonly tests: readonly string[];
  /** What counts in those files; sample lines only where names of series also occur in the input of tests. */
  readonly expected?: (source: string) => Iterable<string>;
}

const namesOf = (families: readonly Pick<Family, 'name'>[]): string[] => families.map(({ name }) => name);

/** The names of samples in files of the exposition format. */
const recordedIn = (pattern: string): string[] => globSync(fixture(pattern)).flatMap(namesInFile);

const scenes = [...(await loadScenes()).values()];
const cases: readonly { readonly want: string }[] = JSON.parse(readFileSync(fixture('ksm/cases.json'), 'utf8'));
const types = await Promise.all(taskTypeNames.map(loadTaskType));

const GROUPS: Readonly<Record<string, Group>> = {
  node: {
    declared: nodeCollectors.flatMap(({ families }) => namesOf(families)),
    recorded: [
      ...recordedIn('node/**/*.prom'),
      ...scenes.flatMap(({ lines, linesWithoutFiles = [], more = [] }) =>
        sampleNames([...lines, ...linesWithoutFiles, ...more.flatMap((one) => one.lines ?? [])]),
      ),
      ...[...INFINIBAND, ...POWER_SUPPLY].map(({ family }) => family),
    ],
    tests: ['collectors/node/*.test.ts'],
    expected: (source) => sampleNames(textsOf(source)),
  },
  ksm: {
    declared: resources.flatMap(({ families }) => families.map(({ family }) => family.name)),
    recorded: [
      ...sampleNames(cases.flatMap(({ want }) => want.split('\n').map((line) => line.trim()))),
      ...recordedIn('cluster-cgroupv1/ksm.prom'),
      ...EXPECTED.flatMap(([, , samples]) => sampleNames(samples)),
    ],
    tests: [],
  },
  container: {
    declared: [containerFamilies, machineFamilies].flatMap(({ common, rest, extra = [] }) =>
      namesOf([...common, ...rest, ...extra]),
    ),
    recorded: recordedIn('cluster-cgroupv*/kubelet/cadvisor.prom'),
    tests: ['collectors/container/*.test.ts'],
  },
  process: { declared: namesOf(processFamilies), tests: ['collectors/process/*.test.ts'] },
  log: {
    declared: Object.values(LOG_COLLECTORS).flatMap(({ families }) => namesOf(families)),
    tests: ['collectors/log/*.test.ts'],
  },
  event: {
    declared: namesOf(eventFamilies({ reportingComponent: true })),
    tests: ['collectors/event/*.test.ts', 'commands/render-events.test.ts'],
  },
  tasks: {
    declared: types.flatMap((type) => namesOf(type?.families ?? [])),
    recorded: recordedIn('blackbox/*.prom'),
    tests: ['tasks/*.test.ts'],
  },
  scrape: {
    declared: ownFamilies({ limit: 1, current: 1, dropped: 0 } as Parameters<typeof ownFamilies>[0]),
    tests: ['scrape/*.test.ts', 'e2e/scrape*.test.ts'],
  },
};

/** Names of families about the agent itself, which its parts declare where they count. */
function ownNames(): string[] {
  const others = new Set(Object.values(GROUPS).flatMap(({ declared }) => declared));
  const names = globSync('src/**/*.ts', { cwd: ROOT }).flatMap((file) => {
    const source = readFileSync(join(ROOT, file), 'utf8');
    const declared = source.matchAll(/'((?:firesteel|kube_state_metrics|push)_\w+_\w+)'|\bname: '(process_\w+)'/g);
    return [...declared].map(([, name, ofProcess]) => name ?? ofProcess ?? '');
  });
  return [...new Set(names)].filter((name) => !others.has(name));
}

const all: Readonly<Record<string, Group>> = {
  ...GROUPS,
  agent: { declared: ownNames(), tests: ['**/*.test.ts'] },
};

for (const [code, isExpected] of [
  ['assert.equal(s.get(\'firesteel_x{a="b",c="d"}\'), 5);', true],
  ["assert.equal(s.get('firesteel_x{}'), before + 1, 'a reason');", true],
  ["assert.equal(await own('firesteel_x', 'tier=\"disk\"'), lost);", true],
  ['await until(async () => (await count(\'firesteel_x{a="b"}\')) === count);', true],
  ["assert.ok((s.get('firesteel_x{}') ?? 0) > 0);", true],
  ['assert.match(text, /^firesteel_x\\{a="b"\\} [1-9]/m);', true],
  ['assert.match(text, /^firesteel_x 1$/m);', true],
  ['const lines = [\'firesteel_x{a="b"} 5\'];', true],
  ['assert.equal(s.get(\'firesteel_x{a="b",c="d"}\'), undefined);', false],
  ["assert.equal(s.get('firesteel_x{}'), undefined, 'not before 5 s');", false],
  ["assert.equal(s.has('firesteel_x{}'), true);", false],
  ["assert.ok(!s.has('firesteel_x'));", false],
  ["assert.ok(s.get('firesteel_x') !== undefined);", false],
  ["await vm.until('firesteel_x', (found) => found.length === 1);", false],
  ["assert.deepEqual(names, ['firesteel_x', 'up']);", false],
  ["assert.match(String(parse({ metric: 'firesteel_x', pattern: 'x' }).error), /reason/);", false],
  ['assert.doesNotMatch(text, /^firesteel_x 1$/m);', false],
  ['assert.match(text, /^firesteel_x\\{/m);', false],
] as const) {
  test(`${isExpected ? 'a value' : 'no value'} is expected by ${code}`, () => {
    assert.equal(expectedNames(code).includes('firesteel_x'), isExpected);
  });
}

const withoutValue = new Set<string>();

for (const [group, { declared, recorded = [], tests, expected = expectedNames }] of Object.entries(all)) {
  test(`${group}: every declared metric has an expected value, or a reason for its absence`, () => {
    const sources = globSync([...tests], { cwd: HERE }).map((path) => readFileSync(join(HERE, path), 'utf8'));
    const found = new Set([...recorded, ...sources.flatMap((source) => [...expected(source)])]);
    const isFound = (name: string) =>
      found.has(name) || ['_sum', '_count', '_bucket'].some((end) => found.has(name + end));
    const missing = declared.filter((name) => !isFound(name));
    for (const name of missing) withoutValue.add(name);
    assert.ok(declared.length > 0);
    assert.deepEqual(
      missing.filter((name) => !Object.hasOwn(EXEMPT, name)),
      [],
      'these need an expected value, or an exemption with its reason',
    );
  });
}

test('every exemption is still needed', () => {
  assert.deepEqual(
    Object.keys(EXEMPT).filter((name) => !withoutValue.has(name)),
    [],
    'these have an expected value, or no longer exist',
  );
});
