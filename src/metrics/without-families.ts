import { type Compression, compressor } from './compression.ts';
import type { PreparedText } from './prepared.ts';

/** Cache of members without some families, by original member; for one choice of families at a time. */
let filtered = { key: '', members: new WeakMap<Buffer, Buffer>() };

/**
 * A prepared batch without the families named in `without`, which have `dropped` series in total. A member is
 * decompressed and compressed again once, then only when it or the choice of families changes. The size of the text is
 * not updated.
 */
export async function withoutFamilies(
  text: PreparedText,
  without: ReadonlySet<string>,
  dropped: number,
): Promise<PreparedText> {
  const key = [...without].sort().join();
  if (key !== filtered.key) filtered = { key, members: new WeakMap() };
  const { members } = filtered;
  const rest: Buffer[] = [];
  for (const member of text.members) {
    const known = members.get(member) ?? (await filter(member, text.encoding, without));
    members.set(member, known);
    if (known.length > 0) rest.push(known);
  }
  return { ...text, members: rest, samples: text.samples - dropped };
}

async function filter(member: Buffer, encoding: Compression, without: ReadonlySet<string>): Promise<Buffer> {
  const { pack, unpack } = compressor(encoding);
  const lines = (await unpack(member)).toString().split('\n');
  const left = lines.filter((line) => !without.has(familyOf(line))).join('\n');
  return left === '' ? Buffer.alloc(0) : pack(Buffer.from(left));
}

/** The family of a line; in a comment, it is the third word. Prepared text has neither histograms nor summaries. */
const familyOf = (line: string): string =>
  line.startsWith('#') ? (line.split(' ', 3)[2] ?? '') : (/^[^{ ]*/.exec(line)?.[0] ?? '');
