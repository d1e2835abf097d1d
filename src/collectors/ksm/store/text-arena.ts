/** A text that waits in an arena. */
export interface Waiting {
  readonly text: Buffer;
  readonly block: Block;
}

interface Block {
  readonly bytes: Buffer;
  used: number;
  /** Texts in it that still wait. */
  texts: number;
}

const BLOCK_BYTES = 256 * 1024;
const MAX_SPARE_BLOCKS = 4;

/**
 * Memory for texts that wait for a rebuild. A buffer for each would outlive the collection of young objects and then be
 * kept until V8 looks at the old ones, which it does not hurry to do for memory outside of its heap: 50 MB after a list
 * of 10,000 pods. Texts are released about in the order in which they came, so blocks become free as a whole.
 */
export class TextArena {
  #current: Block | undefined;
  readonly #spare: Block[] = [];

  /** A copy of `text` as UTF-8, which stays until it is released. */
  hold(text: string): Waiting {
    const size = Buffer.byteLength(text);
    const block = this.#blockFor(size);
    const start = block.used;
    block.used += block.bytes.write(text, start);
    block.texts++;
    return { text: block.bytes.subarray(start, block.used), block };
  }

  /** Takes a text's memory back; its bytes may change from now on. */
  release({ block }: Waiting): void {
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
