/**
 * Up to this many series of one family are compared one by one: 8 take 0.4 µs, with a map of strings 3.8; 24 take 1.9
 * instead of 11 (docs/performance-laboratory.md).
 */
const FEW = 32;

/** The series of one family of an object, with their values: the keys are ranges of a buffer that must not change. */
export class SeenKeys {
  /** Begin and end of each of the first keys, alternating, and their values. Reused, as growing them again would be garbage. */
  readonly #keys = new Uint32Array(2 * FEW);
  readonly #values = new Float64Array(FEW);
  #count = 0;
  /** By key, when there are many. */
  #byKey: Map<string, number> | undefined;

  clear(): void {
    this.#count = 0;
    this.#byKey = undefined;
  }

  /** Adds the key between `start` and `end`; if it exists already, only returns the value of the first. */
  add(buffer: Buffer, start: number, end: number, value: number): number | undefined {
    const first = this.#valueOf(buffer, start, end);
    if (first !== undefined) return first;
    if (this.#count === FEW) this.#byKey ??= this.#mapOf(buffer);
    if (this.#byKey) {
      this.#byKey.set(textOf(buffer, start, end), value);
      return undefined;
    }
    this.#keys[2 * this.#count] = start;
    this.#keys[2 * this.#count + 1] = end;
    this.#values[this.#count] = value;
    this.#count++;
    return undefined;
  }

  #valueOf(buffer: Buffer, start: number, end: number): number | undefined {
    if (this.#byKey) return this.#byKey.get(textOf(buffer, start, end));
    const keys = this.#keys;
    for (let index = 0; index < this.#count; index++) {
      const from = keys[2 * index] ?? 0;
      if ((keys[2 * index + 1] ?? 0) - from !== end - start) continue;
      if (areEqual(buffer, from, start, end - start)) return this.#values[index];
    }
    return undefined;
  }

  #mapOf(buffer: Buffer): Map<string, number> {
    const key = (index: number) => textOf(buffer, this.#keys[2 * index], this.#keys[2 * index + 1]);
    return new Map(Array.from(this.#values, (value, index) => [key(index), value]));
  }
}

/** One character per byte. */
const textOf = (buffer: Buffer, start?: number, end?: number): string => buffer.toString('latin1', start, end);

/** Whether two keys are equal, compared from their ends: they begin with the same name and the same labels. */
function areEqual(buffer: Buffer, start: number, otherStart: number, length: number): boolean {
  for (let index = length - 1; index >= 0; index--) {
    if (buffer[start + index] !== buffer[otherStart + index]) return false;
  }
  return true;
}
