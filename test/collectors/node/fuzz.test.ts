import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindCollector, type CollectorSpec } from '../../../src/collectors/collector.ts';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import { DeniedFile, MissingFile, UnreadableFile } from '../../../src/host/errors.ts';
import { Host } from '../../../src/host/host.ts';
import type { HostPaths } from '../../../src/host/paths.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { encodeByObject } from '../../../src/metrics/text/encoder.ts';
import { parseText } from '../../../src/metrics/text/parse.ts';
import { fixturePaths, hostTree } from '../../kit/host-tree.ts';
import { type Random, randomFrom } from '../../kit/random.ts';
import { loadScenes } from '../../kit/scene.ts';

// Every collector with its scene, or with the fixture tree, with damaged files: whatever a file contains, a collector returns
// samples, or an error that names the problem; it does not crash, hang, or expose samples that receivers reject.

/** For another seed: FUZZ_SEED=7 node --test test/collectors/node/fuzz.test.ts */
const SEED = process.env.FUZZ_SEED ?? '1';
const ROUNDS = 60;
const BUDGET_MS = 2500 / nodeCollectors.length;
const HANG_MS = 1000;

const scenes = await loadScenes();

/** Options without which a collector reads nothing, or not everything. */
const OPTIONS: Readonly<Record<string, object>> = {
  cpu: { infoFlagsInclude: '.', infoBugsInclude: '.' },
  stat: { softirq: true },
  sysctl: { include: ['fs.file-nr', 'kernel.threads-max'], includeInfo: ['kernel.seccomp.actions_avail'] },
  vmstat: { fields: '.' },
};

const NUMBERS = [
  '-5',
  '99999999999999999999999',
  '9'.repeat(400),
  '1e400',
  'nan',
  'inf',
  '0x1f',
  '1.5',
  '',
  'many',
  '18446744073709551615',
];

const DAMAGES: readonly ((text: string, random: Random) => string)[] = [
  (text, random) => text.slice(0, random.below(text.length)),
  (text, random) => text.slice(random.below(text.length)),
  (text, random) => overwrite(text, random, 1),
  (text, random) => overwrite(text, random, 8),
  (text, random) => replaceMatch(text, /\d+/g, random, () => random.pick(NUMBERS)),
  (text, random) => text.replaceAll(/\d+/g, (number) => (random.chance(0.2) ? random.pick(NUMBERS) : number)),
  (text, random) => replaceMatch(text, /[^\n]+\n?/g, random, (line) => line + line),
  (text, random) => replaceMatch(text, /[^\n]+\n?/g, random, () => ''),
  (text, random) => replaceMatch(text, /\s+/g, random, () => random.pick(['', '\n', '\t \t', ':', '='])),
  (_, random) => Array.from({ length: random.below(300) }, () => String.fromCharCode(random.below(256))).join(''),
  () => '',
  () => '\n\n \n',
];

function overwrite(text: string, random: Random, count: number): string {
  const characters = [...text];
  for (let left = count; left > 0 && characters.length > 0; left--) {
    characters[random.below(characters.length)] = String.fromCharCode(random.below(256));
  }
  return characters.join('');
}

function replaceMatch(text: string, pattern: RegExp, random: Random, replace: (match: string) => string): string {
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return text;
  const { 0: match, index } = random.pick(matches);
  return text.slice(0, index) + replace(match) + text.slice(index + match.length);
}

/** A host with random damage of the data that is read. */
class DamagedHost extends Host {
  readonly #random: Random;
  readonly #share: number;

  constructor(paths: HostPaths, random: Random, share: number) {
    super(paths);
    this.#random = random;
    this.#share = share;
  }

  override read(path: string, maxBytes?: number): string {
    return this.#damaged(path, super.read(path, maxBytes));
  }

  override async attributeLater(path: string): Promise<string | undefined> {
    const text = await super.attributeLater(path);
    return text === undefined ? undefined : this.#damaged(path, text);
  }

  #damaged(path: string, text: string): string {
    if (!this.#random.chance(this.#share)) return text;
    if (this.#random.chance(0.05)) throw new MissingFile(path);
    return this.#random.pick(DAMAGES)(text, this.#random);
  }
}

/** Errors of bugs in the code, also if a parser's wrapper has converted them to an error of the file. */
const MISTAKE =
  /BUG:|Cannot (?:read|set|convert|mix|destructure)|is not (?:a function|iterable|defined)|Invalid (?:array|string|count|regular)|Maximum call stack/;

/** Fails for anything but an error of the host; errors of its files have any cause from node:fs. */
function assertForeseen(cause: unknown): void {
  assert.ok(cause instanceof Error, `threw ${String(cause)}`);
  assert.ok(!MISTAKE.test(cause.message), cause);
  if (cause instanceof MissingFile || cause instanceof DeniedFile || cause instanceof UnreadableFile) return;
  for (const mistake of [TypeError, RangeError, ReferenceError, SyntaxError])
    assert.ok(!(cause instanceof mistake), cause);
  if (cause.cause instanceof Error) assertForeseen(cause.cause);
}

/** The results of two cycles, because the second uses cached data of the first. */
async function run(spec: CollectorSpec, host: Host): Promise<Snapshot[]> {
  const options = spec.options.parse(scenes.get(spec.name)?.options ?? OPTIONS[spec.name] ?? {});
  const producer = bindCollector('node', spec, { host, now: () => 1_795_224_360_084 }, options);
  const snapshots: Snapshot[] = [];
  for (let cycle = 0; cycle < 2; cycle++) {
    const out = new Snapshot();
    const started = performance.now();
    try {
      await producer.collect(out, AbortSignal.timeout(HANG_MS));
    } catch (cause) {
      assertForeseen(cause);
    }
    const took = performance.now() - started;
    assert.ok(took < HANG_MS, `took ${took.toFixed()} ms`);
    for (const error of out.errors) assertForeseen(error);
    snapshots.push(out);
  }
  return snapshots;
}

/** In a kernel's file, no number is infinite; no collector may make it one. */
const nonFiniteFamilies = (snapshot: Snapshot): Set<string> =>
  new Set(
    snapshot.series.owners.filter((_, index) => !Number.isFinite(snapshot.values[index])).map(({ name }) => name),
  );

for (const spec of nodeCollectors) {
  test(`${spec.name} survives damaged files`, async (t) => {
    const tree = scenes.get(spec.name)?.files;
    const paths = tree ? hostTree(t, tree) : fixturePaths();
    const usual = nonFiniteFamilies((await run(spec, new Host(paths)))[0] as Snapshot);
    const end = performance.now() + BUDGET_MS;
    let round = 0;
    for (; round < ROUNDS && performance.now() < end; round++) {
      const random = randomFrom(`${SEED} ${spec.name} ${round}`);
      const host = new DamagedHost(paths, random, random.pick([0.02, 0.2, 1]));
      try {
        for (const snapshot of await run(spec, host)) {
          const unusual = [...nonFiniteFamilies(snapshot)].filter((name) => !usual.has(name));
          assert.deepEqual(unusual, [], 'families with NaN or infinite values');
          // Receivers reject a whole batch for one bad line.
          for (const chunk of encodeByObject([snapshot])) assert.ok([...parseText(chunk.toString())]);
        }
      } catch (cause) {
        throw new Error(`FUZZ_SEED=${SEED}, round ${round}`, { cause });
      }
    }
    t.diagnostic(`seed ${SEED}, ${round} rounds`);
  });
}
