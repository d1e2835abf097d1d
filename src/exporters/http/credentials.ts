import { SecretFile } from '../../config/secret-file.ts';
import type { HttpSettings } from './settings.ts';

/** Credentials for a receiver. Secrets are read from their files each time. */
export class Credentials {
  readonly #username: string | undefined;
  readonly #password: SecretFile | undefined;
  readonly #token: SecretFile | undefined;

  constructor(auth: HttpSettings['auth']) {
    this.#username = auth?.username;
    this.#password = auth?.passwordFile === undefined ? undefined : new SecretFile(auth.passwordFile);
    this.#token = auth?.bearerTokenFile === undefined ? undefined : new SecretFile(auth.bearerTokenFile);
  }

  /** The headers to send. Throws an Error that names the file when a secret can't be read. */
  get headers(): Record<string, string> {
    if (this.#token) return { authorization: `Bearer ${this.#token.read()}` };
    if (!this.#password) return {};
    const credentials = Buffer.from(`${this.#username}:${this.#password.read()}`).toString('base64');
    return { authorization: `Basic ${credentials}` };
  }
}
