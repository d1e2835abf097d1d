import { SecretFile } from '../../config/secret-file.ts';
import type { HttpSettings } from './settings.ts';

/** Credentials for a receiver. Secrets are read from their files each time. */
export class Credentials {
  readonly #username: { read(): string };
  readonly #headers: readonly (readonly [name: string, value: SecretFile])[];
  readonly #password: SecretFile | undefined;
  readonly #token: SecretFile | undefined;

  constructor({ auth, headerFiles }: Pick<HttpSettings, 'auth' | 'headerFiles'>) {
    this.#headers = Object.entries(headerFiles).map(([name, path]) => [name, new SecretFile(path)]);
    this.#username =
      auth?.usernameFile === undefined ? { read: () => auth?.username ?? '' } : new SecretFile(auth.usernameFile);
    this.#password = auth?.passwordFile === undefined ? undefined : new SecretFile(auth.passwordFile);
    this.#token = auth?.bearerTokenFile === undefined ? undefined : new SecretFile(auth.bearerTokenFile);
  }

  /** The headers to send. Throws an Error that names the file when a secret can't be read. */
  get headers(): Record<string, string> {
    const secret = Object.fromEntries(this.#headers.map(([name, value]) => [name.toLowerCase(), value.read()]));
    if (this.#token) return { ...secret, authorization: `Bearer ${this.#token.read()}` };
    if (!this.#password) return secret;
    const credentials = Buffer.from(`${this.#username.read()}:${this.#password.read()}`).toString('base64');
    return { ...secret, authorization: `Basic ${credentials}` };
  }
}
