import { turn } from '../base/turns.ts';
import { compressor } from '../metrics/compression.ts';
import { LineBuffer } from './line-buffer.ts';
import { Packer } from './packer.ts';

const packer = new Packer();
const zstd = compressor('zstd');

/** Lines of one scrape, compressed as they come: the text as a whole never exists. */
export class Batch {
  /** To write lines to; then {@link pack}. */
  readonly lines = new LineBuffer();
  readonly members: Buffer[] = [];
  textBytes = 0;
  samples = 0;

  /** Bytes of the members. */
  get bytes(): number {
    return this.members.reduce((sum, { length }) => sum + length, 0);
  }

  /** Compresses the lines of blocks that are full. */
  async pack(): Promise<void> {
    for (const block of this.lines.takeFull()) {
      await this.#add(block);
      this.lines.giveBack(block);
    }
  }

  /** Compresses what is left: nothing is added any more. */
  async close(samples: number): Promise<void> {
    this.samples = samples;
    for (const block of this.lines.takeAll()) await this.#add(block);
  }

  async #add(block: Buffer): Promise<void> {
    this.members.push(await packer.pack(block));
    this.textBytes += block.length;
  }
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
