import type { Host } from '../../host/host.ts';

/** Names of users by uid, from the host's /etc/passwd; users of other sources (LDAP) stay numbers. */
export class Users {
  readonly #host: Host;
  readonly #refreshMs: number;
  #names = new Map<number, string>();
  #readAt = Number.NEGATIVE_INFINITY;

  /** The file is read again when a name is needed and the last read is `refreshMs` ago. */
  constructor(host: Host, refreshMs: number) {
    this.#host = host;
    this.#refreshMs = refreshMs;
  }

  /** The user's name, otherwise the number. */
  name(uid: number, now: number): string {
    // Of either sign, for a clock that was set back.
    if (Math.abs(now - this.#readAt) >= this.#refreshMs) {
      this.#readAt = now;
      this.#names = this.#read();
    }
    return this.#names.get(uid) ?? String(uid);
  }

  #read(): Map<number, string> {
    try {
      return parsePasswd(this.#host.read(this.#host.root('/etc/passwd')));
    } catch {
      // Not mounted or not readable: numbers name groups as well.
      return new Map();
    }
  }
}

/** Users by uid, from passwd(5): `name:password:uid:…`; the first line of a uid counts. */
export function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name = '', , uid = ''] = line.split(':', 3);
    if (/^\d+$/.test(uid) && !names.has(Number(uid))) names.set(Number(uid), name);
  }
  return names;
}
