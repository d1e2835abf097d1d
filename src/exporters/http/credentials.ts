import { isDeepStrictEqual } from 'node:util';
import { basicAuth } from '../../base/basic-auth.ts';
import { SecretFile } from '../../config/secret-file.ts';
import type { HttpSettings } from './settings.ts';

/** Names of headers whose values are probably secrets, although they are in the configuration. */
const SECRET_HEADER = /auth|token|key|secret|password|cookie/i;
/** A shorter secret could occur in any text. */
const SHORTEST = 4;

/** `abc` of a header value `Api-Token abc`: a receiver may repeat the token alone. The scheme is a token of RFC 9110. */
const withoutScheme = (value: string): string => value.replace(/^[\w!#$%&'*+.^`|~-]+ +/, '');

type CredentialSettings = Pick<HttpSettings, 'auth' | 'headers' | 'headerFiles' | 'tls'>;

/** Credentials for a receiver. Secrets are read from their files each time. */
export class Credentials {
  readonly #username: { read(): string };
  readonly #headers: readonly (readonly [name: string, value: SecretFile])[];
  readonly #password: SecretFile | undefined;
  readonly #token: SecretFile | undefined;
  readonly #configured: readonly string[];
  /** The settings with the credentials, within those of the exporter, such as `headerFiles.X-API-Key`. */
  readonly settings: readonly string[];
  /** The secrets of the last request, and those before they changed: another request may still have these. */
  #sent: readonly (readonly string[])[] = [];

  constructor({ auth, headers, headerFiles, tls }: CredentialSettings) {
    const secret = Object.entries(headers).filter(([name]) => SECRET_HEADER.test(name));
    this.#configured = secret.map(([, value]) => value);
    this.settings = [
      ...Object.keys(auth ?? {}).map((name) => `auth.${name}`),
      ...secret.map(([name]) => `headers.${name}`),
      ...Object.keys(headerFiles).map((name) => `headerFiles.${name}`),
      ...(tls?.certFile === undefined ? [] : ['tls.certFile']),
    ];
    this.#headers = Object.entries(headerFiles).map(([name, path]) => [name, new SecretFile(path)]);
    this.#username =
      auth?.usernameFile === undefined ? { read: () => auth?.username ?? '' } : new SecretFile(auth.usernameFile);
    this.#password = auth?.passwordFile === undefined ? undefined : new SecretFile(auth.passwordFile);
    this.#token = auth?.bearerTokenFile === undefined ? undefined : new SecretFile(auth.bearerTokenFile);
  }

  /** `text` with `***` instead of the secrets, which a receiver or a proxy may repeat in a response. */
  hidden(text: string): string {
    let rest = text;
    const secrets = this.#sent.flat().sort((a, b) => b.length - a.length);
    for (const secret of secrets) rest = rest.replaceAll(secret, '***');
    return rest;
  }

  /** The headers to send. Throws an Error that names the file when a secret can't be read. */
  get headers(): Record<string, string> {
    const secret = Object.fromEntries(this.#headers.map(([name, value]) => [name.toLowerCase(), value.read()]));
    const token = this.#token?.read();
    const password = this.#password?.read();
    const basic = password && basicAuth(`${this.#username.read()}:${password}`);
    const headers = [...this.#configured, ...Object.values(secret)].flatMap((value) => [value, withoutScheme(value)]);
    const sent = [...headers, token, password, basic && withoutScheme(basic)].filter((one) => one !== undefined);
    const secrets = sent.filter((one) => one.length >= SHORTEST);
    if (!isDeepStrictEqual(secrets, this.#sent[0])) this.#sent = [secrets, ...this.#sent.slice(0, 1)];
    if (token !== undefined) return { ...secret, authorization: `Bearer ${token}` };
    return basic === undefined ? secret : { ...secret, authorization: basic };
  }
}
