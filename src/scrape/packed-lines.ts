import { turn } from '../base/turns.ts';
import { compressor } from '../metrics/compression.ts';
import { LineBuffer } from './line-buffer.ts';
import { Packer } from './packer.ts';

const packer = new Packer();
const zstd = compressor('zstd');

/** Lines of one scrape, compressed as they arrive: the complete text never exists. */
export class PackedLines {
  /** Buffer for lines; call {@link pack} afterwards. */
  readonly lines = new LineBuffer();
  readonly members: Buffer[] = [];
  textBytes = 0;
  samples = 0;

  /** Bytes of the members. */
  get bytes(): number {
    return this.members.reduce((sum, { length }) => sum + length, 0);
  }

  /** Compresses full blocks, if there are enough. */
  async pack(): Promise<void> {
    if (this.lines.full < MEMBER_BLOCKS) return;
    const blocks = this.lines.takeFull();
    await this.#add(blocks);
    for (const block of blocks) this.lines.giveBack(block);
  }

  /** Compresses the rest: nothing may be added afterwards. */
  async close(samples: number): Promise<void> {
    this.samples = samples;
    const blocks = this.lines.takeAll();
    for (let start = 0; start < blocks.length; start += MEMBER_BLOCKS) {
      await this.#add(blocks.slice(start, start + MEMBER_BLOCKS));
    }
  }

  async #add(blocks: readonly Buffer[]): Promise<void> {
    this.members.push(await packer.pack(blocks));
    for (const { length } of blocks) this.textBytes += length;
  }
}

/** Maximum blocks of a member: together not more than zstd's window. */
const MEMBER_BLOCKS = 8;

/** The lines of members. */
export async function* linesOfMembers(members: readonly Buffer[]): AsyncGenerator<string> {
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
  for await (const line of linesOfMembers(members)) yield line.slice(0, line.lastIndexOf('}') + 1);
}
