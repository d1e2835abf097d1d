import { fileStamp, readText, whyUnread } from '../base/files.ts';

/** No password or token is larger; a wrong path must not send a whole file to a receiver. */
const MAX_SECRET_BYTES = 64 * 1024;

/** No header can contain these, and no secret has them: it is the wrong file. */
const CONTROL = /[\0-\x08\n-\x1f\x7f]/;

/**
 * A secret in a file, read again when the file changes (Kubernetes rotates tokens and updates mounted secrets in
 * place). The value must never reach a log, an error or a page.
 */
export class SecretFile {
  readonly path: string;
  #stamp = '';
  #value = '';

  constructor(path: string) {
    this.path = path;
  }

  /** The secret without a final newline. Throws an Error that names the path only. */
  read(): string {
    try {
      const stamp = fileStamp(this.path);
      if (stamp !== this.#stamp || stamp === '') {
        this.#value = readText(this.path, MAX_SECRET_BYTES).trimEnd();
        this.#stamp = stamp;
      }
    } catch (cause) {
      throw new Error(`cannot read the secret file ${this.path}: ${whyUnread(cause)}`);
    }
    if (this.#value === '') throw new Error(`the secret file ${this.path} is empty`);
    if (CONTROL.test(this.#value)) throw new Error(`the secret file ${this.path} has more than one line of text`);
    return this.#value;
  }
}
