import { DeniedFile, fileError, MissingFile } from '../../src/host/errors.ts';
import { Host } from '../../src/host/host.ts';
import type { HostPaths } from '../../src/host/paths.ts';
import type { CollectorResult } from '../../src/metrics/outcome.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import type { Producer } from '../../src/metrics/scope.ts';
import { type Random, randomFrom } from './random.ts';

/** What becomes of a file: its text, changed, or an error. */
type Damage = (path: string, text: string) => string;

/** A host one of whose files is damaged; notes which files are read, and their text. */
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
  /** Damages that nothing shows, by file, line and name. */
  readonly skip?: RegExp;
}

/**
 * Damages the files that a collector reads, one at a time, until `budgetMs` is over. What belongs to a damaged file or
 * line is found out by taking it away: all series that are then missing or different. All others must stay as they are,
 * and no family may vanish without an error. Throws for what is no file of the host.
 */
export async function findFaults(
  make: MakeProducer,
  paths: HostPaths,
  seed: string,
  budgetMs: number,
  { live, skip, isPositional = false }: Leniency = {},
): Promise<Findings> {
  const end = performance.now() + budgetMs;
  const sound = new DamagedHost(paths);
  const usual = await run(make, sound);
  const findings = { wrong: [] as string[], runs: 0, files: sound.texts.size };
  const random = randomFrom(seed);
  const attempt = async (path: string, damage: Damage) => {
    findings.runs++;
    return run(make, new DamagedHost(paths, path, damage));
  };
  const without = async (path: string, damage: Damage): Promise<ReadonlySet<string>> => {
    const { samples } = await attempt(path, damage);
    return new Set([...usual.samples].filter(([key, value]) => samples.get(key) !== value).map(([key]) => key));
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
  const files = [...sound.texts].sort(() => random.below(3) - 1);
  for (const [path, text] of files) {
    const name = path.slice(paths.rootfs.length);
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
    for (let left = 4; !isPositional && left > 0 && numbers.length > 0 && performance.now() < end; left--) {
      const [number = 0] = numbers.splice(random.below(numbers.length), 1);
      const put = (...by: string[]) => lines.toSpliced(number, 1, ...by).join('\n');
      const ofLine = await without(path, () => put());
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
