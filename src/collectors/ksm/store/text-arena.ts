/** A pending text in an arena. */
export interface PendingText {
  readonly text: Buffer;
  readonly chunk: Chunk;
}

/** A piece of memory with the texts that arrived one after another. */
interface Chunk {
  readonly bytes: Buffer;
  used: number;
  /** Number of pending texts in it. */
  texts: number;
}

const CHUNK_BYTES = 256 * 1024;
const MAX_SPARE_CHUNKS = 4;

/**
 * Memory for texts pending a rebuild. Separate buffers would outlive young-generation garbage collection. V8 would then
 * retain them until it collects the old generation, which memory outside its heap does not speed up: 50 MB after a list
 * of 10,000 pods. Texts are released roughly in order of arrival, so whole chunks become free.
 */
export class TextArena {
  #current: Chunk | undefined;
  readonly #spare: Chunk[] = [];

  /** A copy of `text`, valid until it is released. */
  hold(text: Buffer): PendingText {
    const chunk = this.#chunkFor(text.length);
    const start = chunk.used;
    chunk.used += text.copy(chunk.bytes, start);
    chunk.texts++;
    return { text: chunk.bytes.subarray(start, chunk.used), chunk };
  }

  /** Reclaims the memory of a text; its bytes may change from now on. */
  release({ chunk }: PendingText): void {
    chunk.texts--;
    if (chunk.texts > 0) return;
    chunk.used = 0;
    const isSpare = chunk !== this.#current && chunk.bytes.length === CHUNK_BYTES;
    if (isSpare && this.#spare.length < MAX_SPARE_CHUNKS) this.#spare.push(chunk);
  }

  #chunkFor(size: number): Chunk {
    if (size > CHUNK_BYTES) return newChunk(size);
    const room = this.#current ? this.#current.bytes.length - this.#current.used : 0;
    if (this.#current === undefined || room < size) this.#current = this.#spare.pop() ?? newChunk(CHUNK_BYTES);
    return this.#current;
  }
}

const newChunk = (size: number): Chunk => ({ bytes: Buffer.allocUnsafeSlow(size), used: 0, texts: 0 });
