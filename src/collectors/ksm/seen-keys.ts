/** Up to this many series of one family are compared one by one; a map is more expensive for so few. */
const FEW = 8;

/** The series of one family of an object, with their values: keys in a buffer that still has them. */
export class SeenKeys {
  /** Begin and end of each key, alternating. */
  readonly #keys: number[] = [];
  readonly #values: number[] = [];
  /** By key, when there are many. */
  #byKey: Map<string, number> | undefined;

  clear(): void {
    this.#keys.length = 0;
    this.#values.length = 0;
    this.#byKey = undefined;
  }

  /** Adds the key between `start` and `end`; if it exists already, only returns the value of the first. */
  add(buffer: Buffer, start: number, end: number, value: number): number | undefined {
    const first = this.#valueOf(buffer, start, end);
    if (first !== undefined) return first;
    this.#keys.push(start, end);
    this.#values.push(value);
    if (this.#byKey) this.#byKey.set(textOf(buffer, start, end), value);
    else if (this.#values.length > FEW) this.#byKey = this.#mapOf(buffer);
    return undefined;
  }

  #valueOf(buffer: Buffer, start: number, end: number): number | undefined {
    if (this.#byKey) return this.#byKey.get(textOf(buffer, start, end));
    const keys = this.#keys;
    for (let index = 0; index < keys.length; index += 2) {
      const from = keys[index] ?? 0;
      if ((keys[index + 1] ?? 0) - from !== end - start) continue;
      if (areEqual(buffer, from, start, end - start)) return this.#values[index >> 1];
    }
    return undefined;
  }

  #mapOf(buffer: Buffer): Map<string, number> {
    const key = (index: number) => textOf(buffer, this.#keys[2 * index], this.#keys[2 * index + 1]);
    return new Map(this.#values.map((value, index) => [key(index), value]));
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
