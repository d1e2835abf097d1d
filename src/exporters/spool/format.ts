import * as z from 'zod';
import { turn } from '../../base/turns.ts';
import { GROUPS } from '../../metrics/group.ts';
import { type AddressedBatch, wireBytes } from '../exporter.ts';
import { crc32c } from './crc32c.ts';

/*
 * One file is one batch. All numbers are big-endian:
 *    0  4  magic "FSPL"
 *    4  2  version
 *    6  2  zero
 *    8  4  bytes of the description
 *   12  4  bytes of the payload
 *   16  4  CRC-32C of the description
 *   20  4  CRC-32C of the payload
 *   24     description (JSON), then payload: the members as they are sent
 */
const MAGIC = Buffer.from('FSPL');
const VERSION = 1;
export const HEADER_BYTES = 24;

/**
 * A description has a few hundred bytes and five more for each member. A cluster of 100,000 pods has 15,000 members.
 */
const MAX_DESCRIPTION_BYTES = 4 * 1024 * 1024;

/** The metadata of a batch. */
const descriptionSchema = z.object({
  group: z.enum(GROUPS),
  /** As configured when the batch was collected. */
  target: z.object({
    job: z.string().optional(),
    instance: z.string().optional(),
    labels: z.record(z.string(), z.string()),
  }),
  encoding: z.enum(['zstd', 'gzip', 'gzip-stamped']),
  stampMs: z.int().nonnegative(),
  textBytes: z.int().nonnegative(),
  samples: z.int().nonnegative(),
  /** Bytes of each member. */
  members: z.array(z.int().nonnegative()),
});

type Description = z.output<typeof descriptionSchema>;

/** An unusable file: corrupt, or written by a later version of this program. */
export class UnusableFile extends Error {
  /** Number of samples lost with it; undefined when unknown. */
  readonly samples: number | undefined;

  constructor(message: string, { samples }: { readonly samples?: number } = {}) {
    super(message);
    this.samples = samples;
  }
}

/** Header, description and payload of a batch, to be written in this order. */
export async function fileParts(batch: AddressedBatch): Promise<Buffer[]> {
  const { group, target, encoding, stampMs, textBytes, samples, members } = batch;
  const facts: Description = {
    group,
    target: { ...target, labels: { ...target.labels } },
    encoding,
    stampMs,
    textBytes,
    samples,
    members: members.map(({ length }) => length),
  };
  const description = Buffer.from(JSON.stringify(facts));
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt16BE(VERSION, 4);
  header.writeUInt32BE(description.length, 8);
  header.writeUInt32BE(wireBytes(batch), 12);
  header.writeUInt32BE(crc32c(description), 16);
  header.writeUInt32BE(await checksum(members), 20);
  return [header, description, ...members];
}

/** The sizes from a header. */
interface Sizes {
  readonly descriptionBytes: number;
  /** Whether the size of the file matches the header. */
  readonly isWhole: boolean;
}

/** Reads the first 24 bytes of a file of `fileBytes`. Throws {@link UnusableFile}. */
export function readSpoolHeader(header: Buffer, fileBytes: number): Sizes {
  if (header.length < HEADER_BYTES || !header.subarray(0, 4).equals(MAGIC))
    throw new UnusableFile('not a spooled batch');
  const version = header.readUInt16BE(4);
  if (version > VERSION) throw new UnusableFile(`written in format version ${version}; this agent supports ${VERSION}`);
  const descriptionBytes = header.readUInt32BE(8);
  const payloadBytes = header.readUInt32BE(12);
  const expected = HEADER_BYTES + descriptionBytes + payloadBytes;
  const isDescribed = HEADER_BYTES + descriptionBytes <= fileBytes && descriptionBytes <= MAX_DESCRIPTION_BYTES;
  if (!isDescribed) throw new UnusableFile(`${fileBytes} bytes instead of ${expected}`);
  return { descriptionBytes, isWhole: expected === fileBytes };
}

/** Reads a description. Throws {@link UnusableFile} when it is corrupt. */
export function readDescription(header: Buffer, text: Buffer): Description {
  if (crc32c(text) !== header.readUInt32BE(16)) throw new UnusableFile('checksum mismatch in the description');
  const parsed = descriptionSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw new UnusableFile('the description is incomplete');
  return parsed.data;
}

function jsonOf(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString());
  } catch {
    return undefined;
  }
}

/** The batch in a complete file. Rejects with {@link UnusableFile} when any byte has changed. */
export async function readFile(file: Buffer): Promise<AddressedBatch> {
  const { descriptionBytes, isWhole } = readSpoolHeader(file, file.length);
  if (!isWhole) throw new UnusableFile(`its size of ${file.length} bytes does not match its header`);
  const { members: sizes, ...facts } = readDescription(
    file,
    file.subarray(HEADER_BYTES, HEADER_BYTES + descriptionBytes),
  );
  const members: Buffer[] = [];
  let start = HEADER_BYTES + descriptionBytes;
  for (const size of sizes) {
    members.push(file.subarray(start, start + size));
    start += size;
  }
  if (start !== file.length) throw new UnusableFile('the sizes of the members do not match');
  if ((await checksum(members)) !== file.readUInt32BE(20)) throw new UnusableFile('checksum mismatch in the payload');
  return { ...facts, members };
}

/** Two thirds of a millisecond. */
const PIECE_BYTES = 128 * 1024;

async function checksum(members: readonly Buffer[]): Promise<number> {
  let sum = 0;
  for (const member of members) {
    for (let start = 0; start < member.length; start += PIECE_BYTES) {
      await turn();
      sum = crc32c(member.subarray(start, start + PIECE_BYTES), sum);
    }
  }
  return sum;
}
