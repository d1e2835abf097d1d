import { zstdCompressSync } from 'node:zlib';
import { turn } from '../../base/turns.ts';
import type { Target } from '../../config/identity.ts';
import { compressionOf, compressor } from '../../metrics/compression.ts';
import type { Batch } from '../exporter.ts';
import type { Upload } from '../http/sender.ts';
import { GzipMember } from './gzip-member.ts';
import type { Protocol } from './protocol.ts';

/** A batch in the format of its receiver, for one upload. `samples` and `textBytes` are those of this payload. */
export interface RewrittenBatch extends Omit<Batch, 'encoding'> {
  readonly compression: Upload['compression'];
  /** Number of samples of the batch that the format cannot express. */
  readonly omitted: number;
}

type PayloadCompression = 'zstd' | 'gzip' | 'none';

/** Compresses the parts of one payload. */
interface PartPacker {
  add(part: Buffer): Buffer;
  /** What follows the last part. */
  end?(): Buffer;
}

/** A packer for each payload. The zstd compressor of text pads short texts with a comment, which other formats lack. */
const PACKERS: Readonly<Record<PayloadCompression, () => PartPacker>> = {
  zstd: () => ({ add: (part) => zstdCompressSync(part) }),
  gzip: () => new GzipMember(),
  none: () => ({ add: (part) => part }),
};

/** The format of a receiver: see {@link Protocol}. */
interface Format {
  readonly rewrite: NonNullable<Protocol['rewrite']>;
  readonly envelope: Protocol['envelope'];
}

/**
 * Rewrites a batch member by member, so that the text of only one is in memory. Without members, nothing is left to send.
 * Rejects when a member can't be decompressed, when `rewrite` throws, and when `signal` fires.
 */
export async function rewriteBatch(
  { encoding, ...batch }: Batch,
  target: Target,
  { rewrite, envelope = { start: '', between: '', end: '' } }: Format,
  compression: PayloadCompression,
  signal: AbortSignal,
): Promise<RewrittenBatch> {
  const { unpack } = compressor(compressionOf(encoding));
  const packer = PACKERS[compression]();
  const members: Buffer[] = [];
  let textBytes = 0;
  let omitted = 0;
  const add = async (text: Buffer): Promise<void> => {
    textBytes += text.length;
    await turn();
    members.push(packer.add(text));
  };
  for (const member of batch.members) {
    signal.throwIfAborted();
    const whole = await unpack(member);
    await turn();
    const rewritten = rewrite(whole, target, batch.stampMs);
    omitted += rewritten.omitted;
    if (rewritten.text.length === 0) continue;
    const before = Buffer.from(members.length === 0 ? envelope.start : envelope.between);
    await add(before.length === 0 ? rewritten.text : Buffer.concat([before, rewritten.text]));
  }
  if (members.length > 0 && envelope.end !== '') await add(Buffer.from(envelope.end));
  if (members.length > 0 && packer.end) members.push(packer.end());
  return { ...batch, members, textBytes, samples: Math.max(0, batch.samples - omitted), compression, omitted };
}
