import { turn } from '../base/turns.ts';
import { compressor } from '../metrics/compression.ts';

const zstd = compressor('zstd');

/** One block of zstd has 128 KiB at most; a line has less than the rest of it. */
const MEMBER_BYTES = 60 * 1024;

/** What is compressed, one after the other: buffers for each would wait for the garbage collector. */
const SCRATCH = Buffer.allocUnsafeSlow(2 * MEMBER_BYTES);

/** Lines of one scrape, compressed as they come: the text as a whole never exists. */
export class Batch {
  readonly members: Buffer[] = [];
  textBytes = 0;
  samples = 0;
  #text = '';

  /** Bytes of the members. */
  get bytes(): number {
    return this.members.reduce((sum, { length }) => sum + length, 0);
  }

  /** Adds whole lines, in bytes as Latin-1. */
  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= MEMBER_BYTES) this.#pack();
  }

  /** Nothing is added any more. */
  close(samples: number): void {
    this.#pack();
    this.samples = samples;
  }

  #pack(): void {
    const text = this.#text;
    this.#text = '';
    for (let start = 0; start < text.length; ) {
      const most = start + 2 * MEMBER_BYTES;
      const end = most >= text.length ? text.length : text.lastIndexOf('\n', most) + 1;
      // A line can't be longer than a block, so that there is always a newline.
      const length = SCRATCH.write(text.slice(start, end), 'latin1');
      this.members.push(own(zstd.packSync(SCRATCH.subarray(0, length))));
      this.textBytes += length;
      start = end;
    }
  }
}

/** A copy with memory of its own: what zlib gives is part of a buffer that would be kept with it. */
function own(member: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(member.length);
  member.copy(copy);
  return copy;
}

/** The lines of members. */
export async function* linesOf(members: readonly Buffer[]): AsyncGenerator<string> {
  for (const member of members) {
    for (const line of (await zstd.unpack(member)).toString().split('\n')) {
      await turn();
      // A short text is padded with a comment.
      if (line !== '' && !line.startsWith('#')) yield line;
    }
  }
}

/** The series keys of members, each with its brackets. */
export async function* keysOf(members: readonly Buffer[]): AsyncGenerator<string> {
  for await (const line of linesOf(members)) yield line.slice(0, line.lastIndexOf('}') + 1);
}
