import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { DeniedFile, fileError, MissingFile } from '../../src/host/errors.ts';
import { Host } from '../../src/host/host.ts';
import type { HostPaths } from '../../src/host/paths.ts';
import type { CollectorResult } from '../../src/metrics/outcome.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import type { Producer } from '../../src/metrics/scope.ts';
import { type Random, randomFrom } from './random.ts';

/** What becomes of a file: its text, changed, or an error. */
type Damage = (path: string, text: string) => string;

/**
 * A host one of whose files is damaged; notes which files are read, and their text. Damage is done to what a read gives,
 * so that a driver can be made to answer with any error.
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
    // What attribute() makes of the errors that a damage throws is the same here.
    await super.attributeLater(path);
    return this.attribute(path);
  }

  #pass(path: string, text: string): string {
    this.texts.set(path, text);
    return path === this.#path ? this.#damage(path, text) : text;
  }
}

/** What a run of a collector gave. */
interface Answer {
  readonly result: CollectorResult;
  readonly samples: ReadonlyMap<string, number>;
  readonly families: ReadonlySet<string>;
}

/** Makes the producer anew, so that no run knows what another has seen. */
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

/** What a test damages: how files are found, and how one run with one of them damaged goes. */
interface Scene {
  /** The files that the collector reads, with their text. */
  texts(): ReadonlyMap<string, string>;
  /** A run; without a path all is sound. */
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

/** When the files of a scene on disk were written, seconds since 1970: damage must not change it. */
const WRITTEN_S = 1_795_000_000;

/**
 * A scene whose files are damaged where they lie, for collectors that do not read through {@link Host}. What can't be
 * read is then a folder in the file's place.
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

/** Damages of a whole file, with what they may take without a word: what the file brought is their unit. */
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

/** What is found wrong with a collector, a line each, and how much was tried. */
export interface Findings {
  readonly wrong: string[];
  readonly runs: number;
  /** Files that the collector reads; without any there is nothing to damage. */
  readonly files: number;
}

/** What a test may forgive a collector. */
export interface Leniency {
  /** Samples that come from the live host and change by themselves. */
  readonly live?: RegExp;
  /** Whether a line stands for what its number says, so that nothing shows that one is there twice or not at all. */
  readonly isPositional?: boolean;
  /** Samples made of several records, of which one less gives another value. */
  readonly sums?: RegExp;
  /** Damages that nothing shows, by file, line and name. */
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
 * Damages the files that a collector reads, one at a time, until `budgetMs` is over. What belongs to a damaged file or
 * line is found out by taking it away: all series that are then missing or different. All others must stay as they are,
 * and no family may vanish without an error. Throws for what is no file of the host.
 */
export async function findFaultsIn(
  scene: Scene,
  root: string,
  seed: string,
  budgetMs: number,
  { live, skip, isPositional = false, sums }: Leniency = {},
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
  // What a record brought goes with it, and no other series takes another value. One may appear: under fewer labels.
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
  const judge = (what: string, answer: Answer, touched: ReadonlySet<string>, maySilence = false) => {
    if (skip?.test(what)) return;
    const { result, samples, families } = answer;
    const wrong = (message: string) => findings.wrong.push(`${what}: ${message} (${result.outcome})`);
    for (const error of result.errors) if (isMistake(error)) wrong(`mistake: ${error.message}`);
    const isQuiet = result.errors.length === 0 && result.outcome === 'ok';
    for (const [key, value] of usual.samples) {
      if (touched.has(key) || live?.test(key)) continue;
      const now = samples.get(key);
      if (now === undefined && isQuiet) wrong(`${key} vanished without an error`);
      if (now !== undefined && !Object.is(now, value)) wrong(`${key} is ${now}, not ${value}`);
    }
    for (const family of usual.families) {
      if (isQuiet && !maySilence && !families.has(family)) wrong(`family ${family} vanished without an error`);
    }
    for (const [key, value] of samples) {
      if (!Number.isFinite(value) && !usual.samples.has(key)) wrong(`${key} is ${value}`);
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
      // A driver that answers EINVAL has no value, and an attribute may be an empty word; neither is an error.
      const isAttribute = /\/sys\//.test(path);
      judge(
        `${name} ${what}`,
        await attempt(path, damage),
        ofFile,
        isAttribute && (what === 'EINVAL' || what === 'empty'),
      );
    }
    const lines = text.split('\n');
    const numbers = [...lines.keys()].filter((index) => lines[index] !== '');
    // A file with one value, or with properties of one thing, gives labels: without it, its series has another name.
    const hasRecords = numbers.length > 1 && !/\/(?:sys|udev|etc|lib)\//.test(name.replace('/proc/sys/', ''));
    for (let left = 4; !isPositional && left > 0 && numbers.length > 0 && performance.now() < end; left--) {
      const [number = 0] = numbers.splice(random.below(numbers.length), 1);
      const put = (...by: string[]) => lines.toSpliced(number, 1, ...by).join('\n');
      const ofLine = await without(path, () => put(), hasRecords ? `${name}:${number + 1} dropped` : undefined);
      for (const [what, damage] of LINES) {
        const damaged = damage(lines[number] as string, random);
        // What a cut line says can't be told from what a shorter number says, and where it is gone from what is not there.
        judge(`${name}:${number + 1} ${what}`, await attempt(path, () => put(damaged)), ofLine, what === 'cut');
      }
      const rest = lines.slice(0, number).join('\n') + (number > 0 ? '\n' : '');
      const ofRest = await without(path, () => rest);
      const cut = rest + (lines[number] as string).slice(0, random.below((lines[number] as string).length));
      judge(`${name}:${number + 1} truncated`, await attempt(path, () => cut), new Set([...ofLine, ...ofRest]), true);
    }
  }
  return findings;
}

/** What comes of a mistake in the code, also when a wrapper has made an error of the file of it. */
const isMistake = (error: Error): boolean =>
  /BUG:|Cannot (?:read|set|convert|mix|destructure)|is not (?:a function|iterable|defined)|Invalid (?:array|string)/.test(
    error.message,
  ) ||
  (!(error.cause instanceof DeniedFile) && error instanceof TypeError);
