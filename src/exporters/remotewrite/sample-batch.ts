import type { Target } from '../../config/identity.ts';
import { type Compression, compressEach, compressor, transcodeKept } from '../../metrics/compression.ts';
import { familyNameOf } from '../../metrics/family.ts';
import type { Group } from '../../metrics/group.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { encodeByObject } from '../../metrics/text/encoder.ts';
import { isPushable } from '../../metrics/text/format.ts';
import { type AddressedBatch, wireBytes } from '../exporter.ts';
import type { Facts } from './request.ts';

/** Text that stays compressed: prepared between cycles, or read from disk. */
export interface PackedText {
  readonly compression: Compression;
  readonly members: readonly Buffer[];
  /** Whether members that do not change are the same buffers in later batches, and all samples have the batch's time. */
  readonly isKept?: boolean;
}

/** One batch of a group: samples of one cycle, or stale markers for the series that vanished in it. */
export interface SampleBatch {
  readonly group: Group;
  readonly stampMs: number;
  readonly target: Target;
  readonly snapshots: readonly Snapshot[];
  readonly texts: readonly PackedText[];
  /** Keys of vanished series. */
  readonly ended: readonly string[];
  /** New counters, by key: when they were still 0. */
  readonly zeros: ReadonlyMap<string, number>;
  readonly samples: number;
  /** Approximate size in memory. */
  readonly bytes: number;
  /** Called right before each request: whether this agent may still send it. */
  readonly mayPush?: (() => boolean) | undefined;
  /** As in {@link Batch}. */
  readonly onSettled?: (() => void) | undefined;
}

/** In spooled text, these words represent values that the text format does not have. */
const STALE_WORD = 'stale';
const ZERO_WORD = 'zero';

const BYTES_PER_SAMPLE = 8;

/** Approximate size of a batch in memory. */
export const bytesOf = (samples: number, texts: readonly PackedText[]): number =>
  samples * BYTES_PER_SAMPLE + texts.reduce((sum, { members }) => sum + wireBytes({ members }), 0);

/** A batch as text, for the disk. */
export async function toText(batch: SampleBatch): Promise<AddressedBatch> {
  const { group, stampMs, target, samples, onSettled } = batch;
  const { members = [], textBytes = 0 } = (await compressEach(chunksOf(batch), ['zstd'], stampMs)).get('zstd') ?? {};
  const kept: (readonly Buffer[])[] = [];
  for (const { members: own, compression } of batch.texts) kept.push(await transcodeKept(own, compression, 'zstd'));
  const packed = { encoding: 'zstd' as const, members: [members, ...kept].flat(), textBytes };
  return { group, stampMs, target, samples, onSettled, ...packed };
}

function* chunksOf({ snapshots, ended, zeros }: SampleBatch): Generator<Buffer> {
  const lines = [
    ...[...zeros].map(([key, stampMs]) => `${key} ${ZERO_WORD} ${stampMs}\n`),
    ...ended.map((key) => `${key} ${STALE_WORD}\n`),
  ];
  for (let start = 0; start < lines.length; start += LINES_AT_ONCE) {
    yield Buffer.from(lines.slice(start, start + LINES_AT_ONCE).join(''));
  }
  if (snapshots.length > 0) yield* encodeByObject(snapshots);
}

/** Lines of one chunk, which stays well below a block of zstd. */
const LINES_AT_ONCE = 200;

/** The batch that {@link toText} wrote to the disk. */
export const fromText = ({ group, stampMs, target, samples, encoding, members }: AddressedBatch): SampleBatch => ({
  ...{ group, stampMs, target, samples },
  snapshots: [],
  texts: [{ compression: encoding === 'zstd' ? 'zstd' : 'gzip', members }],
  ended: [],
  zeros: new Map(),
  bytes: wireBytes({ members }),
});

/** One line of text rendered by this agent. */
interface SampleLine {
  readonly name: string;
  readonly block: string;
  readonly value: number | typeof STALE_WORD | typeof ZERO_WORD;
  readonly stampMs: number | undefined;
}

/** Reads a sample line of our own text. Undefined if it is not one. */
export function readSample(line: string): SampleLine | undefined {
  const close = line.lastIndexOf('}');
  const open = close === -1 ? -1 : line.indexOf('{');
  const end = close === -1 ? line.indexOf(' ') : close + 1;
  if (end <= 0 || line.charCodeAt(end) !== BLANK) return undefined;
  const next = line.indexOf(' ', end + 1);
  const word = next === -1 ? line.slice(end + 1) : line.slice(end + 1, next);
  const value = sampleValueOf(word);
  if (value === undefined) return undefined;
  const stampMs = next === -1 ? undefined : Number(line.slice(next + 1));
  // It would make the whole request malformed. A spool may contain text of another version.
  if (stampMs !== undefined && !isPushable(stampMs)) return undefined;
  return {
    name: line.slice(0, open === -1 ? end : open),
    block: open === -1 ? '' : line.slice(open, end),
    value,
    stampMs,
  };
}

const BLANK = 32;

/** The value of a sample line. Undefined if the word is not a value. */
export function sampleValueOf(word: string): SampleLine['value'] | undefined {
  const number = Number(word);
  if (!Number.isNaN(number)) return word === '' ? undefined : number;
  if (word === 'NaN') return Number.NaN;
  if (word === '+Inf') return Number.POSITIVE_INFINITY;
  if (word === '-Inf') return Number.NEGATIVE_INFINITY;
  return word === STALE_WORD || word === ZERO_WORD ? word : undefined;
}

/** The text of a member as lines. */
export async function unpackedLines(member: Buffer, compression: Compression): Promise<string[]> {
  return (await compressor(compression).unpack(member)).toString().split('\n');
}

/** Descriptions of families, from TYPE and HELP lines. */
export class Descriptions {
  readonly #facts = new Map<string, Facts>();

  /** Reads a comment line. */
  read(line: string): void {
    const match = /^# (TYPE|HELP) (\S+) (.*)$/.exec(line);
    if (match === null) return;
    const [, word, name = '', text = ''] = match;
    const known = this.#facts.get(name) ?? { name, type: 'untyped', help: '' };
    if (word === 'HELP')
      this.#facts.set(name, { ...known, help: text.replaceAll('\\n', '\n').replaceAll('\\\\', '\\') });
    else if (isType(text)) this.#facts.set(name, { ...known, type: text });
  }

  of(name: string): Facts | undefined {
    return this.#facts.get(familyNameOf(name, this.#facts));
  }
}

const isType = (text: string): text is Facts['type'] => /^(?:counter|gauge|histogram|summary|untyped)$/.test(text);
