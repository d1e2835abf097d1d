import { sum } from '../base/sum.ts';
import { zip } from '../base/zip.ts';
import type { Batch } from '../exporters/exporter.ts';
import {
  type CompressedText,
  compressEach,
  compressionOf,
  type Encoding,
  transcodeKept,
} from '../metrics/compression.ts';
import { gauge } from '../metrics/family.ts';
import { type Group, isInline } from '../metrics/group.ts';
import type { PreparedText } from '../metrics/prepared.ts';
import { Snapshot } from '../metrics/snapshot.ts';
import { encodeByObject } from '../metrics/text/encoder.ts';
import { stampText } from '../metrics/text/format.ts';
import type { Birth } from './births.ts';

const up = gauge('up', 'Always 1 while the agent pushes this job. Alert on its absence.');

const PUSHED = new Snapshot();
PUSHED.add(up, 1);
PUSHED.close();

/** All snapshots pushed for a group: with `up`, unless its targets carry their own identity and `up`. */
export const pushedSnapshots = (group: Group, snapshots: readonly Snapshot[]): readonly Snapshot[] =>
  isInline(group) ? snapshots : [PUSHED, ...snapshots];

/** What a cycle collected of a group. */
export interface CollectedGroup {
  readonly group: Group;
  readonly stampMs: number;
  readonly snapshots: readonly Snapshot[];
  readonly prepared: readonly PreparedText[];
  /** New counters, for receivers that accept lines with timestamps. */
  readonly births?: readonly Birth[];
  /** The encodings that receivers need. Plain gzip is for receivers that reject lines with timestamps. */
  readonly encodings: readonly Encoding[];
}

/** One batch for each requested encoding. */
type Batches = ReadonlyMap<Encoding | undefined, Batch>;

/** Encodes the batches of one group. The text of a cycle is rendered once. */
export class GroupEncoder {
  #last: { readonly collected: CollectedGroup; readonly batches: Batches } | undefined;

  async encode(collected: CollectedGroup): Promise<Batches> {
    const { stampMs, prepared } = collected;
    const last = this.#last;
    if (last && isSame(last.collected, collected)) return restamped(last.batches, stampMs);
    const batches = await batchesOf(collected);
    // The state of a cluster may stay unchanged for long. Node values change in every cycle; caching them would only
    // cost memory.
    this.#last = prepared.length > 0 ? { collected, batches } : undefined;
    return batches;
  }
}

/** Whether two cycles must have the same text. */
function isSame(one: CollectedGroup, other: CollectedGroup): boolean {
  return (
    (one.births ?? []).length + (other.births ?? []).length === 0 &&
    [...one.snapshots, ...other.snapshots].every(({ stamps }) => stamps === undefined) &&
    areEqual(one.encodings, other.encodings) &&
    areAlike(one.prepared, other.prepared, (a, b) => a === b || areEqual(a.members, b.members)) &&
    areAlike(one.snapshots, other.snapshots, (a, b) => a.series === b.series && areEqual(a.values, b.values))
  );
}

const areAlike = <T>(ones: readonly T[], others: readonly T[], areSame: (one: T, other: T) => boolean): boolean =>
  ones.length === others.length && zip(ones, others).every(([one, other]) => areSame(one, other));

function areEqual<T>(ones: readonly T[], others: readonly T[]): boolean {
  if (ones.length !== others.length) return false;
  for (let index = 0; index < ones.length; index++) if (!Object.is(ones[index], others[index])) return false;
  return true;
}

const restamped = (batches: Batches, stampMs: number): Batches =>
  new Map([...batches].map(([encoding, batch]) => [encoding, { ...batch, stampMs }]));

async function batchesOf({
  group,
  stampMs,
  snapshots,
  prepared,
  births = [],
  encodings,
}: CollectedGroup): Promise<Batches> {
  const fresh = pushedSnapshots(group, snapshots);
  const ofPrepared = sum(prepared.map((part) => part.samples));
  const unstamped = sum(fresh.map(({ size }) => size));
  const stamped = sum(fresh.map(({ unpushedSize }) => unpushedSize)) + births.length;
  const batches = new Map<Encoding | undefined, Batch>();
  const texts = await textsOf(fresh, prepared.length > 0, births, new Set(encodings), stampMs);
  for (const [encoding, { members, textBytes, written }] of texts) {
    const kept: (readonly Buffer[])[] = [];
    for (const part of prepared) kept.push(await transcodeKept(part.members, part.encoding, compressionOf(encoding)));
    batches.set(encoding, {
      group,
      stampMs,
      encoding: written,
      samples: ofPrepared + (encoding === 'gzip' ? unstamped : stamped),
      textBytes: sum([textBytes, ...prepared.map((part) => part.textBytes)]),
      members: [members, ...kept].flat(),
    });
  }
  return batches;
}

/** The text of snapshots in each encoding. */
type Texts = ReadonlyMap<Encoding, CompressedText & { readonly written: Encoding }>;

async function textsOf(
  snapshots: readonly Snapshot[],
  hasPrepared: boolean,
  births: readonly Birth[],
  encodings: ReadonlySet<Encoding>,
  stampMs: number,
): Promise<Texts> {
  // Stamping each line of prepared text would cost a second of CPU for 10,000 pods at each push.
  const written = (encoding: Encoding) => (hasPrepared ? compressionOf(encoding) : encoding);
  const hasStamps = births.length > 0 || snapshots.some(({ stamps }) => stamps !== undefined);
  const made = new Map<Encoding, CompressedText & { readonly written: Encoding }>();
  const encode = async (asked: readonly Encoding[], chunks: Iterable<Buffer>) => {
    const texts = await compressEach(chunks, [...new Set(asked.map(written))], stampMs);
    for (const encoding of asked) {
      const text = texts.get(written(encoding));
      if (text) made.set(encoding, { ...text, written: written(encoding) });
    }
  };
  if (!hasStamps) {
    await encode([...encodings], encodeByObject(snapshots));
    return made;
  }
  const { plain = [], stamped = [] } = Object.groupBy(encodings, (one) => (one === 'gzip' ? 'plain' : 'stamped'));
  if (plain.length > 0) await encode(plain, encodeByObject(snapshots, false));
  if (stamped.length > 0) await encode(stamped, withZeros(births, encodeByObject(snapshots)));
  return made;
}

/** The zeros of new counters, then the text with their first counts. */
function* withZeros(births: readonly Birth[], chunks: Iterable<Buffer>): Generator<Buffer> {
  for (let start = 0; start < births.length; start += ZEROS_AT_ONCE) {
    const some = births.slice(start, start + ZEROS_AT_ONCE);
    yield Buffer.from(some.map(({ key, stampMs }) => `${key} 0 ${stampText(stampMs)}\n`).join(''));
  }
  yield* chunks;
}

/** Zeros per chunk, so that it stays well below a zstd block. */
const ZEROS_AT_ONCE = 200;
