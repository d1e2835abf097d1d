import { compressionOf, compressor } from '../../metrics/compression.ts';
import type { Batch } from '../exporter.ts';
import { FamilyReader } from './family-reader.ts';

/** Selects families of a batch. */
type FamilyFilter = (family: string) => boolean;

/** A member without some families. */
interface Filtered {
  readonly member: Buffer;
  readonly textBytes: number;
  readonly samples: number;
  /** Dropped samples by family. */
  readonly out: ReadonlyMap<string, number>;
}

/** Cache of filtered members. Members never change, so state that persists between cycles is filtered only once. */
export type FilterCache = WeakMap<Buffer, Filtered>;

/** The names of the families in a batch, in its order. Rejects when a member can't be decompressed. */
export async function familyNames(batch: Batch): Promise<string[]> {
  const names = new Set<string>();
  const reader = new FamilyReader();
  for (const text of await textsOf(batch)) for (const line of linesOf(text)) names.add(reader.familyOf(line));
  names.delete('');
  return [...names];
}

/**
 * A batch reduced to the included families, and the number of dropped samples of each other family. Rejects when a member
 * can't be decompressed.
 */
export async function withFamilies(
  batch: Batch,
  isIncluded: FamilyFilter,
  cache: FilterCache = new WeakMap(),
): Promise<{ readonly batch: Batch; readonly out: ReadonlyMap<string, number> }> {
  const { pack, unpack } = compressor(compressionOf(batch.encoding));
  const reader = new FamilyReader();
  const out = new Map<string, number>();
  const members: Buffer[] = [];
  let textBytes = 0;
  let samples = 0;
  for (const member of batch.members) {
    let filtered = cache.get(member);
    if (filtered === undefined) {
      filtered = await filter((await unpack(member)).toString(), isIncluded, reader, pack);
      cache.set(member, filtered);
    }
    if (filtered.samples > 0 || filtered.textBytes > 0) members.push(filtered.member);
    textBytes += filtered.textBytes;
    samples += filtered.samples;
    for (const [name, count] of filtered.out) out.set(name, (out.get(name) ?? 0) + count);
  }
  return { batch: { ...batch, members, textBytes, samples }, out };
}

async function filter(
  text: string,
  isIncluded: FamilyFilter,
  reader: FamilyReader,
  pack: (text: Buffer) => Promise<Buffer>,
): Promise<Filtered> {
  const kept: string[] = [];
  const out = new Map<string, number>();
  let samples = 0;
  for (const line of linesOf(text)) {
    const family = reader.familyOf(line);
    const isSample = !line.startsWith('#');
    if (family === '' || isIncluded(family)) {
      kept.push(line);
      if (isSample) samples++;
    } else if (isSample) out.set(family, (out.get(family) ?? 0) + 1);
  }
  const rest = Buffer.from(kept.length > 0 ? `${kept.join('\n')}\n` : '');
  return { member: rest.length > 0 ? await pack(rest) : rest, textBytes: rest.length, samples, out };
}

async function textsOf({ members, encoding }: Batch): Promise<string[]> {
  const { unpack } = compressor(compressionOf(encoding));
  const texts: string[] = [];
  for (const member of members) texts.push((await unpack(member)).toString());
  return texts;
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');
