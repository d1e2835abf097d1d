/** A pending text in an arena. */
export interface PendingText {
  readonly text: Buffer;
  readonly block: Block;
}

interface Block {
  readonly bytes: Buffer;
  used: number;
  /** Number of pending texts in it. */
  texts: number;
}

const BLOCK_BYTES = 256 * 1024;
const MAX_SPARE_BLOCKS = 4;

/**
 * Memory for texts pending a rebuild. Separate buffers would outlive young-generation garbage collection. V8 would then
 * retain them until it collects the old generation, which memory outside its heap does not speed up: 50 MB after a list
 * of 10,000 pods. Texts are released roughly in order of arrival, so whole blocks become free.
 */
export class TextArena {
  #current: Block | undefined;
  readonly #spare: Block[] = [];

  /** A copy of `text`, valid until it is released. */
  hold(text: Buffer): PendingText {
    const block = this.#blockFor(text.length);
    const start = block.used;
    block.used += text.copy(block.bytes, start);
    block.texts++;
    return { text: block.bytes.subarray(start, block.used), block };
  }

  /** Reclaims the memory of a text; its bytes may change from now on. */
  release({ block }: PendingText): void {
    block.texts--;
    if (block.texts > 0) return;
    block.used = 0;
    const isSpare = block !== this.#current && block.bytes.length === BLOCK_BYTES;
    if (isSpare && this.#spare.length < MAX_SPARE_BLOCKS) this.#spare.push(block);
  }

  #blockFor(size: number): Block {
    if (size > BLOCK_BYTES) return newBlock(size);
    const room = this.#current ? this.#current.bytes.length - this.#current.used : 0;
    if (this.#current === undefined || room < size) this.#current = this.#spare.pop() ?? newBlock(BLOCK_BYTES);
    return this.#current;
  }
}

const newBlock = (size: number): Block => ({ bytes: Buffer.allocUnsafeSlow(size), used: 0, texts: 0 });
