const FIRST_SLOTS = 16;

/**
 * Maps hashes ({@link hashOf}) to numbers in two flat arrays: a Set or Map takes three times as much memory, because
 * each such number is a separate object there.
 */
export class HashTable {
  /** 0 is a free slot. */
  #keys = new Float64Array(FIRST_SLOTS);
  #values: Uint32Array | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(hash: number): boolean {
    return this.#keys[this.#slotOf(hash)] !== 0;
  }

  /** Adds `hash`; false if it was present. */
  add(hash: number): boolean {
    if (this.has(hash)) return false;
    this.#insert(hash);
    return true;
  }

  /** The number of `hash`. */
  get(hash: number): number | undefined {
    const slot = this.#slotOf(hash);
    return this.#keys[slot] === 0 ? undefined : this.#values?.[slot];
  }

  /** Adds `hash` with its number, from 0 to 2^32 - 1. */
  set(hash: number, value: number): void {
    this.#values ??= new Uint32Array(this.#keys.length);
    if (!this.has(hash)) this.#insert(hash);
    this.#values[this.#slotOf(hash)] = value;
  }

  clear(): void {
    this.#keys = new Float64Array(FIRST_SLOTS);
    this.#values = undefined;
    this.#size = 0;
  }

  #insert(hash: number): void {
    // At most three quarters are used: otherwise a lookup takes long.
    if (4 * (this.#size + 1) > 3 * this.#keys.length) this.#grow();
    this.#keys[this.#slotOf(hash)] = hash === 0 ? ZERO : hash;
    this.#size++;
  }

  #slotOf(hash: number): number {
    const key = hash === 0 ? ZERO : hash;
    const mask = this.#keys.length - 1;
    let slot = (Math.imul(key | 0, 0x9e3779b1) ^ (key / 0x100000000)) & mask;
    for (let found = this.#keys[slot]; found !== key && found !== 0; found = this.#keys[slot]) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Float64Array(2 * keys.length);
    if (values) this.#values = new Uint32Array(2 * keys.length);
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] ?? 0;
      if (key === 0) continue;
      const slot = this.#slotOf(key);
      this.#keys[slot] = key;
      if (this.#values && values) this.#values[slot] = values[index] ?? 0;
    }
  }
}

/** Replacement for the hash 0. */
const ZERO = 2 ** 53;
