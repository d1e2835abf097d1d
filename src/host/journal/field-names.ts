/** The name of a field, shared by entries. */
export interface FieldName {
  readonly text: string;
  /** Whether values of it are to be read. */
  readonly isWanted: boolean;
  /** Whether other entries may have the same value. */
  readonly isShared: boolean;
}

/** Every entry has its own value for these. */
const UNSHARED = ['MESSAGE', '_SOURCE_REALTIME_TIMESTAMP', '_SOURCE_MONOTONIC_TIMESTAMP', 'SYSLOG_TIMESTAMP'];
/** The number of names is controlled by the writers of entries: names beyond this limit are not cached. */
const MAX_NAMES = 1024;

/** Looks up the names of fields by their bytes, so that no string is created per value. */
export class FieldNames {
  readonly #byHash = new Map<number, FieldName[]>();
  readonly #takesAll: boolean;
  #count = 0;

  /** `wanted` are the names to read; all without it. */
  constructor(wanted: ReadonlySet<string> | undefined) {
    this.#takesAll = wanted === undefined;
    for (const text of new Set([...UNSHARED, ...(wanted ?? [])])) {
      this.#add({ text, isWanted: wanted?.has(text) ?? true, isShared: !UNSHARED.includes(text) });
    }
  }

  /** The name that `bytes` have between `from` and `end`; undefined if it is not requested. */
  find(bytes: Buffer, from: number, end: number): FieldName | undefined {
    let hash = 0;
    for (let at = from; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
    const alike = this.#byHash.get(hash);
    if (alike !== undefined) for (const name of alike) if (isSame(name.text, bytes, from, end)) return name;
    if (!this.#takesAll) return undefined;
    const name = { text: bytes.toString('latin1', from, end), isWanted: true, isShared: true };
    if (this.#count < MAX_NAMES) this.#add(name);
    return name;
  }

  #add(name: FieldName): void {
    let hash = 0;
    for (let at = 0; at < name.text.length; at++) hash = (Math.imul(hash, 31) + name.text.charCodeAt(at)) | 0;
    const alike = this.#byHash.get(hash);
    if (alike === undefined) this.#byHash.set(hash, [name]);
    else alike.push(name);
    this.#count++;
  }
}

function isSame(text: string, bytes: Buffer, from: number, end: number): boolean {
  if (text.length !== end - from) return false;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== bytes[from + at]) return false;
  return true;
}
