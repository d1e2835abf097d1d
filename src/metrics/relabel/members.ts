import { turn } from '../../base/turns.ts';
import { compressor } from '../compression.ts';
import type { PreparedText } from '../prepared.ts';
import type { Relabeling } from './relabeling.ts';

/** A relabeled member. */
interface Relabeled {
  readonly member: Buffer;
  readonly textBytes: number;
  readonly samples: number;
}

/** Cache of relabeled members. Members never change, so each is decompressed and compressed again only once. */
const relabeled = new WeakMap<Relabeling, WeakMap<Buffer, Relabeled>>();

/**
 * Prepared text, relabeled. Header lines stay, including those of families without remaining series. Rejects when a
 * member can't be decompressed.
 */
export async function relabeledPrepared(text: PreparedText, relabeling: Relabeling): Promise<PreparedText> {
  const known = relabeled.get(relabeling) ?? new WeakMap<Buffer, Relabeled>();
  relabeled.set(relabeling, known);
  const { pack, unpack } = compressor(text.encoding);
  const members: Buffer[] = [];
  let textBytes = 0;
  let samples = 0;
  for (const member of text.members) {
    let one = known.get(member);
    if (one === undefined) {
      const { made, samples } = await relabeledLines((await unpack(member)).toString(), relabeling);
      const bytes = Buffer.from(made);
      one = { member: bytes.length > 0 ? await pack(bytes) : bytes, textBytes: bytes.length, samples };
      known.set(member, one);
    }
    if (one.textBytes > 0) members.push(one.member);
    textBytes += one.textBytes;
    samples += one.samples;
  }
  return { ...text, members, textBytes, samples };
}

async function relabeledLines(text: string, relabeling: Relabeling): Promise<{ made: string; samples: number }> {
  let made = '';
  let samples = 0;
  for (const line of text.split('\n')) {
    await turn();
    if (line === '') continue;
    if (line.startsWith('#')) {
      made += `${line}\n`;
      continue;
    }
    // A brace in a label comes before the one that ends the labels.
    const end = line.includes('{') ? line.lastIndexOf('}') + 1 : line.indexOf(' ');
    const key = line.slice(0, end);
    const seen = relabeling.keyOf(key, /^[^{ ]*/.exec(key)?.[0] ?? '');
    if (seen === undefined) continue;
    made += `${seen}${line.slice(end)}\n`;
    samples++;
  }
  return { made, samples };
}
