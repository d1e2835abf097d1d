import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { DeniedFile, fileError, MissingFile } from '../../src/host/errors.ts';
import { Host } from '../../src/host/host.ts';
import type { HostPaths } from '../../src/host/paths.ts';
import type { CollectorResult } from '../../src/metrics/outcome.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import type { Producer } from '../../src/metrics/scope.ts';
import { type Random, randomFrom } from './random.ts';

/** The result of a damage: the changed text of a file, or an error. */
type Damage = (path: string, text: string) => string;

/**
 * A host with one damaged file; records which files are read, and their text. The damage changes the result of a read, so
 * that a driver can return any error.
 */
class DamagedHost extends Host {
  readonly texts = new Map<string, string>();
  readonly #path: string | undefined;
  readonly #damage: Damage;

  constructor(paths: HostPaths, path?: string, damage: Damage = (_, text) => text) {
    super(paths);
    this.#path = path;
    this.#damage = damage;
  }

  override read(path: string, maxBytes?: number): string {
    return this.#pass(path, super.read(path, maxBytes));
  }

  override async attributeLater(path: string): Promise<string | undefined> {
    // Errors that a damage throws are handled as in attribute().
    await super.attributeLater(path);
    return this.attribute(path);
  }

  #pass(path: string, text: string): string {
    this.texts.set(path, text);
    return path === this.#path ? this.#damage(path, text) : text;
  }
}

/** The result of a run of a collector. */
interface Answer {
  readonly result: CollectorResult;
  readonly samples: ReadonlyMap<string, number>;
  readonly families: ReadonlySet<string>;
}

/** Creates the producer again, so that no run depends on another. */
export type MakeProducer = (host: Host) => Producer;

async function run(make: MakeProducer, host: Host): Promise<Answer> {
  const registry = new AgentRegistry();
  const producer = make(host);
  registry.addProducer(producer);
  const { groups, results } = await registry.gather(5000);
  const snapshot = groups.get(producer.group)?.[0];
  const { keys = [], values = [] } = snapshot ?? {};
  const result = results[0] as CollectorResult;
  return {
    result,
    samples: new Map(keys.map((key, index) => [key, values[index] as number])),
    families: new Set(snapshot?.families.keys()),
  };
}

/** The subject of a damage test: how files are found, and how to run the collector with one of them damaged. */
interface Scene {
  /** The files that the collector reads, with their text. */
  texts(): ReadonlyMap<string, string>;
  /** A run; without a path nothing is damaged. */
  run(path?: string, damage?: Damage): Promise<Answer>;
}

function hostScene(make: MakeProducer, paths: HostPaths): Scene {
  const seen = new Map<string, string>();
  return {
    texts: () => seen,
    async run(path, damage) {
      const host = new DamagedHost(paths, path, damage);
      const answer = await run(make, host);
      if (path === undefined) for (const [read, text] of host.texts) seen.set(read, text);
      return answer;
    },
  };
}

/** Modification time of the files of a scene on disk, seconds since 1970: damage must not change it. */
const WRITTEN_S = 1_795_000_000;

/**
 * A scene whose files are damaged on disk, for collectors that do not read through {@link Host}. An unreadable file is
 * replaced by a folder.
 */
export function diskScene(make: MakeProducer, paths: HostPaths, files: readonly string[]): Scene {
  const texts = new Map(files.map((path) => [path, readFileSync(path, 'utf8')]));
  for (const path of files) utimesSync(path, WRITTEN_S, WRITTEN_S);
  return {
    texts: () => texts,
    async run(path, damage = (_, text) => text) {
      const text = path === undefined ? undefined : texts.get(path);
      if (path === undefined || text === undefined) return run(make, new Host(paths));
      rmSync(path);
      try {
        writeFileSync(path, damage(path, text));
        utimesSync(path, WRITTEN_S, WRITTEN_S);
      } catch (cause) {
        if (!(cause instanceof MissingFile)) mkdirSync(path);
      }
      try {
        return await run(make, new Host(paths));
      } finally {
        rmSync(path, { recursive: true, force: true });
        writeFileSync(path, text);
        utimesSync(path, WRITTEN_S, WRITTEN_S);
      }
    },
  };
}

const errorOf = (code: string) => (path: string) => {
  throw fileError(path, Object.assign(new Error(code), { code }));
};

/** Damages of a whole file, with the losses that need no report: the samples of the file are their unit. */
const WHOLE: readonly (readonly [name: string, damage: Damage])[] = [
  ['EACCES', errorOf('EACCES')],
  ['EIO', errorOf('EIO')],
  ['EINVAL', errorOf('EINVAL')],
  ['empty', () => ''],
  ['NUL-filled', (_, text) => '\0'.repeat(Math.max(text.length, 1))],
];

/** Damages of one line. */
const LINES: readonly (readonly [name: string, damage: (line: string, random: Random) => string])[] = [
  ['twice', (line) => `${line}\n${line}`],
  ['extra column', (line) => `${line} 7`],
  ['huge number', (line, random) => replaceNumber(line, random, '9'.repeat(400))],
  ['negative number', (line, random) => replaceNumber(line, random, '-5')],
  ['words for a number', (line, random) => replaceNumber(line, random, '0x1f')],
  ['CRLF', (line) => `${line}\r`],
  ['NUL', (line, random) => `${line.slice(0, random.below(line.length))}\0${line.slice(1)}`],
  ['cut', (line, random) => line.slice(0, random.below(line.length))],
];

function replaceNumber(line: string, random: Random, by: string): string {
  const numbers = [...line.matchAll(/(?<![\w.-])\d+(?![\w.])/g)];
  if (numbers.length === 0) return line;
  const { 0: number, index } = random.pick(numbers);
  return line.slice(0, index) + by + line.slice(index + number.length);
}

/** Faults found in a collector, one line each, and the number of attempts. */
export interface Findings {
  readonly wrong: string[];
  readonly runs: number;
  /** Files that the collector reads. */
  readonly files: number;
}

/** Permitted deviations of a collector. */
export interface Leniency {
  /** Samples from the live host, which change on their own. */
  readonly live?: RegExp;
  /** Whether the meaning of a line depends on its number, so that a repeated or missing line cannot be detected. */
  readonly isPositional?: boolean;
  /** Samples from several records; their value changes if one is missing. */
  readonly sums?: RegExp;
  /** Files that are one record, or with records of several lines: a malformed line may lose more than its own series. */
  readonly wholes?: RegExp;
  /** Series of which the kernel reports negative values. */
  readonly signed?: RegExp;
  /** Damages that cannot be detected, by file, line and name. */
  readonly skip?: RegExp;
}

/** {@link findFaultsIn} the files of a host. */
export const findFaults = (
  make: MakeProducer,
  paths: HostPaths,
  seed: string,
  budgetMs: number,
  leniency?: Leniency,
): Promise<Findings> => findFaultsIn(hostScene(make, paths), paths.rootfs, seed, budgetMs, leniency);

/**
 * Damages the files that a collector reads, one at a time, until `budgetMs` has elapsed. The series of a damaged file or line
 * are those that are missing or different without it. All others must not change, those of other lines must not vanish, and
 * no family may vanish without an error. Throws for a path that is not a file of the host.
 */
export async function findFaultsIn(
  scene: Scene,
  root: string,
  seed: string,
  budgetMs: number,
  { live, skip, isPositional = false, sums, wholes, signed }: Leniency = {},
): Promise<Findings> {
  const end = performance.now() + budgetMs;
  const usual = await scene.run();
  const findings = { wrong: [] as string[], runs: 0, files: scene.texts().size };
  const random = randomFrom(seed);
  const attempt = async (path: string, damage: Damage) => {
    findings.runs++;
    return scene.run(path, damage);
  };
  const without = async (path: string, damage: Damage, dropped?: string): Promise<ReadonlySet<string>> => {
    const { result, samples } = await attempt(path, damage);
    if (dropped !== undefined) judgeDropped(dropped, result, samples);
    return new Set([...usual.samples].filter(([key, value]) => samples.get(key) !== value).map(([key]) => key));
  };
  // The series of a record vanish with it, and no other series changes its value. One may appear, with fewer labels.
  const judgeDropped = (what: string, result: CollectorResult, samples: ReadonlyMap<string, number>) => {
    if (skip?.test(what)) return;
    for (const error of result.errors) if (isMistake(error)) findings.wrong.push(`${what}: mistake: ${error.message}`);
    for (const [key, value] of samples) {
      if (live?.test(key) || sums?.test(key)) continue;
      const before = usual.samples.get(key);
      if (before !== undefined && !Object.is(before, value)) {
        findings.wrong.push(`${what}: ${key} is ${value}, not ${before}`);
      }
    }
  };
  const judge = (
    what: string,
    answer: Answer,
    touched: ReadonlySet<string>,
    { maySilence = false, isRecord = false } = {},
  ) => {
    if (skip?.test(what)) return;
    const { result, samples, families } = answer;
    const wrong = (message: string) => findings.wrong.push(`${what}: ${message} (${result.outcome})`);
    for (const error of result.errors) if (isMistake(error)) wrong(`mistake: ${error.message}`);
    const isQuiet = result.errors.length === 0 && result.outcome === 'ok';
    for (const [key, value] of usual.samples) {
      if (touched.has(key) || live?.test(key)) continue;
      const now = samples.get(key);
      if (now === undefined && (isQuiet || (isRecord && !sums?.test(key)))) {
        wrong(`${key} vanished ${isQuiet ? 'without an error' : 'with a record of which it is not part'}`);
      }
      if (now !== undefined && !Object.is(now, value)) wrong(`${key} is ${now}, not ${value}`);
    }
    for (const family of usual.families) {
      if (isQuiet && !maySilence && !families.has(family)) wrong(`family ${family} vanished without an error`);
    }
    for (const [key, value] of samples) {
      const isPossible = Number.isFinite(value) && (value >= 0 || signed?.test(key));
      if (!isPossible && !Object.is(value, usual.samples.get(key))) wrong(`${key} is ${value}`);
    }
  };
  const files = [...scene.texts()].sort(() => random.below(3) - 1);
  for (const [path, text] of files) {
    const name = path.slice(root.length);
    if (performance.now() > end) break;
    const ofFile = await without(path, (missing) => {
      throw new MissingFile(missing);
    });
    for (const [what, damage] of WHOLE) {
      // A driver that returns EINVAL has no value, and an attribute may be empty; neither is an error.
      const isAttribute = /\/sys\//.test(path);
      judge(`${name} ${what}`, await attempt(path, damage), ofFile, {
        maySilence: isAttribute && (what === 'EINVAL' || what === 'empty'),
      });
    }
    const lines = text.split('\n');
    const numbers = [...lines.keys()].filter((index) => lines[index] !== '');
    // A file with one value, or with properties of one object, provides labels: without it, its series has a different name.
    const hasRecords = numbers.length > 1 && !/\/(?:sys|udev|etc|lib)\//.test(name.replace('/proc/sys/', ''));
    for (let left = 4; !isPositional && left > 0 && numbers.length > 0 && performance.now() < end; left--) {
      const [number = 0] = numbers.splice(random.below(numbers.length), 1);
      const put = (...by: string[]) => lines.toSpliced(number, 1, ...by).join('\n');
      const ofLine = await without(path, () => put(), hasRecords ? `${name}:${number + 1} dropped` : undefined);
      for (const [what, damage] of LINES) {
        const damaged = damage(lines[number] as string, random);
        // A truncated line cannot be distinguished from a shorter number, and a removed one not from an absent one.
        judge(`${name}:${number + 1} ${what}`, await attempt(path, () => put(damaged)), ofLine, {
          maySilence: what === 'cut',
          isRecord: hasRecords && !wholes?.test(name),
        });
      }
      const rest = lines.slice(0, number).join('\n') + (number > 0 ? '\n' : '');
      const ofRest = await without(path, () => rest);
      const cut = rest + (lines[number] as string).slice(0, random.below((lines[number] as string).length));
      judge(`${name}:${number + 1} truncated`, await attempt(path, () => cut), new Set([...ofLine, ...ofRest]), {
        maySilence: true,
      });
    }
  }
  return findings;
}

/** Errors of bugs in the code, also if a wrapper has converted them to an error of the file. */
const isMistake = (error: Error): boolean =>
  /BUG:|Cannot (?:read|set|convert|mix|destructure)|is not (?:a function|iterable|defined)|Invalid (?:array|string)/.test(
    error.message,
  ) ||
  (!(error.cause instanceof DeniedFile) && error instanceof TypeError);
