import { type Compression, compressor } from './compression.ts';
import type { PreparedBody } from './prepared.ts';

/** Members without some families, by the member that they were made of; for one choice of families at a time. */
let filtered = { key: '', members: new WeakMap<Buffer, Buffer>() };

/**
 * A prepared body without the families named in `without`, which have `dropped` series together. A member is unpacked and
 * packed again once, and then only when it or the choice of families changes. The text's size is not measured anew.
 */
export async function withoutFamilies(
  body: PreparedBody,
  without: ReadonlySet<string>,
  dropped: number,
): Promise<PreparedBody> {
  const key = [...without].sort().join();
  if (key !== filtered.key) filtered = { key, members: new WeakMap() };
  const { members } = filtered;
  const rest: Buffer[] = [];
  for (const member of body.members) {
    const known = members.get(member) ?? (await filter(member, body.encoding, without));
    members.set(member, known);
    if (known.length > 0) rest.push(known);
  }
  return { ...body, members: rest, samples: body.samples - dropped };
}

async function filter(member: Buffer, encoding: Compression, without: ReadonlySet<string>): Promise<Buffer> {
  const { pack, unpack } = compressor(encoding);
  const lines = (await unpack(member)).toString().split('\n');
  const left = lines.filter((line) => !without.has(familyOf(line))).join('\n');
  return left === '' ? Buffer.alloc(0) : pack(Buffer.from(left));
}

/** The family of a line; that of a comment is its third word. What is prepared has neither histograms nor summaries. */
const familyOf = (line: string): string =>
  line.startsWith('#') ? (line.split(' ', 3)[2] ?? '') : (/^[^{ ]*/.exec(line)?.[0] ?? '');
